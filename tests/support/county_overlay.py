"""A county's own overlay: one department with one record type, ready to be broken."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from catalogue.loader import load_catalogue
from catalogue.model import Catalogue

Raw = dict[str, Any]

DEPARTMENT: Raw = {"code": "NY", "name": {"zh": "农业农村局", "en": "Agriculture Bureau"}, "contact": "12345"}
CERTIFICATE: Raw = {
    "code": "P-NY-01",
    "name": {"zh": "农业经理人证书", "en": "Farm-manager certificate"},
    "graphqlType": "FarmManagerCertificate",
    "section": "farmManagerCertificates",
    "domain": "QUALIFICATION",
    "department": "NY",
    "subjects": ["NATURAL_PERSON"],
    "keys": ["CITIZEN_ID"],
    "class": "A",
    "nature": "BASIC",
    "severities": ["GENERAL"],
    "adverseWhen": ["documentNo"],
    "clocks": {
        "publication": {"byLaw": True, "term": "LIMITED", "max": {"GENERAL": "P1Y"}, "basis": ["农业法"]},
        "startsOn": ["determinedOn"],
    },
    "controls": ["status", "updatedAt"],
    "nationalItems": ["C04"],
    "legalBasis": ["农业法"],
    "tier": "LOCAL",
    "fields": [
        {"name": "certificateNo", "label": {"zh": "证书编号", "en": "Certificate number"}, "type": "string"},
        {"name": "citizenId", "label": {"zh": "公民身份号码", "en": "Citizen id"}, "type": "citizenId"},
        {"name": "documentNo", "label": {"zh": "撤销文号", "en": "Revocation number"}, "type": "string"},
        {"name": "determinedOn", "label": {"zh": "撤销日期", "en": "Date revoked"}, "type": "date"},
    ],
}
CERTIFICATE["fields"][0] |= {"class": "A", "mask": "M_CERT"}
CERTIFICATE["fields"][1] |= {"class": "R", "mask": "M_ID", "role": "key"}
CERTIFICATE["fields"][2] |= {"class": "A", "adverse": True}
CERTIFICATE["fields"][3] |= {"class": "A", "adverse": True, "role": "determinedOn"}

SCENARIO: Raw = {
    "code": "S90",
    "kind": "LICENSING",
    "name": {"zh": "农药经营许可核验", "en": "Pesticide licence check"},
    "caller": {"zh": "农业农村局", "en": "Agriculture Bureau"},
    "basis": ["STATUTORY"],
    "obligation": "MANDATORY",
    "predicates": [
        {
            "code": "NOT_REVOKED",
            "name": {"zh": "证书未被撤销", "en": "The certificate stands"},
            "absent": ["P-NY-01"],
        }
    ],
    "measures": [{"code": "R-01", "when": "NOT_REVOKED", "basis": ["农药管理条例"]}],
    "guard": {"zh": "仅限法定情形", "en": "Statutory grounds only"},
    "legalBasis": ["农药管理条例"],
    "validFrom": "2026-01-01",
    "validUntil": "2027-12-31",
    "approvedBy": ["op-0012", "op-0034"],
    "relevance": [{"recordType": "P-NY-01", "reason": {"zh": "许可条件", "en": "Condition of the licence"}}],
}
BEHAVIOUR: Raw = {
    "code": "B-NY-01",
    "name": {"zh": "证书被撤销", "en": "Certificate revoked"},
    "area": "AGRICULTURE",
    "kind": "ADVERSE",
    "severity": "GENERAL",
    "recordTypes": ["P-NY-01"],
    "legalBasis": ["农业法"],
}
LOCALITY: Raw = {
    "code": "xx-990100",
    "name": {"zh": "样例县", "en": "Sample county"},
    "adverseRetention": "P5Y",
    "clockStart": "EARLIEST",
    "personsPublic": "NEVER",
}


class County:
    """An overlay folder; every entry may be changed before it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.department = deepcopy(DEPARTMENT)
        self.certificate = deepcopy(CERTIFICATE)
        self.scenario = deepcopy(SCENARIO)
        self.behaviour = deepcopy(BEHAVIOUR)
        self.locality = deepcopy(LOCALITY)
        self.certificate["scenarios"] = ["S90"]

    def write(self) -> Path:
        files: dict[str, Any] = {
            "departments.yaml": [self.department],
            "behaviours.yaml": [self.behaviour],
            "record_types/P-NY-01.yaml": self.certificate,
            "scenarios/S90.yaml": self.scenario,
            "localities/xx-990100.yaml": self.locality,
        }
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
        return self.folder

    def load(self) -> Catalogue:
        return load_catalogue(self.write())

    def field(self, name: str) -> Raw:
        """The raw field of that name of the county's record type."""
        found: Raw = next(field for field in self.certificate["fields"] if field["name"] == name)
        return found

    def add_field(self, name: str, zh: str = "备注", en: str = "Remark", **more: Any) -> None:
        field = {"name": name, "label": {"zh": zh, "en": en}, "type": "string", "class": "A"}
        self.certificate["fields"].append(field | more)


Change = Callable[[County], object]
