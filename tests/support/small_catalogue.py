"""A catalogue of two record types, and manifests for it: enough for any connector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogue.model import Catalogue
from connectors.manifest import Manifest
from tests.support.unhurried import UNHURRIED_MS

PERSON, OTHER, MINOR = "990101198001010014", "990101197512310022", "99010120120615004X"
COMPANY = "91990100MA9TE00142"

PENALTY_TABLE = """CREATE TABLE penalty (
  id_no varchar(40), document_no varchar(60), reason varchar(200),
  authority varchar(80), decided varchar(20))"""

_LABEL = {"zh": "测试", "en": "Test"}


def _field(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "label": _LABEL, "type": kind, "class": "A", **more}


def _record_type(code: str, nature: str, fields: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": _LABEL,
        "graphqlType": f"Test{nature.title()}",
        "section": f"test{nature.title()}",
        "domain": "TEST",
        "department": "TT",
        "subjects": ["NATURAL_PERSON", "ENTERPRISE"],
        "keys": ["CITIZEN_ID", "USCC"],
        "class": "A",
        "nature": nature,
        "clocks": {},
        "legalBasis": ["L-TEST"],
        "fields": fields,
        **more,
    }


def small_catalogue() -> Catalogue:
    """`P-TT-01` adverse with a clock, `P-TT-02` basic; department TT."""
    penalty = _record_type(
        "P-TT-01",
        "ADVERSE",
        [
            _field("documentNo"),
            _field("reason", "text"),
            _field("authority"),
            _field("behaviours", "list"),
            _field("determinedOn", "date", role="determinedOn"),
        ],
        neverMapped=[{"name": "ethnicity", "label": _LABEL}],
    )
    identity = _record_type("P-TT-02", "BASIC", [_field("name", role="name"), _field("address", "text")])
    return Catalogue.model_validate(
        {
            "version": "test",
            "departments": {"TT": {"code": "TT", "name": _LABEL}},
            "domains": {},
            "recordTypes": {"P-TT-01": penalty, "P-TT-02": identity},
            "behaviours": {},
            "scenarios": {},
            "measures": {},
            "localities": {},
        }
    )


def penalty_source(**changes: Any) -> dict[str, Any]:
    """How table `penalty` (id_no, document_no, reason, authority, decided) is read as `P-TT-01`."""
    record: dict[str, Any] = {
        "table": "penalty",
        "keys": {"CITIZEN_ID": {"columns": ["id_no"]}},
        "fields": {
            "documentNo": {"column": "document_no"},
            "reason": {"column": "reason"},
            "authority": {"column": "authority"},
        },
        "controls": {"determinedOn": {"column": "decided", "decode": ["date"]}},
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


def manifest_of(records: Mapping[str, Any], **changes: Any) -> Manifest:
    """A manifest of source `tt-test` with the given records."""
    content = {
        "source": "tt-test",
        "department": "TT",
        "system": _LABEL,
        "contact": "desk@example.cn",
        "connector": "sql",
        "url": "sqlite:///unused.db",
        "deadlineMs": UNHURRIED_MS,
        "records": records,
        **changes,
    }
    return Manifest.model_validate(content)
