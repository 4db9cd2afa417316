"""Demo keys, registered clients and synthetic people (region 9901xx) for tests of authz."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from authz.actors import ActorKind
from authz.clients import Client
from authz.keys import KeyRing, generate_keys
from catalogue.identifiers import SubjectKey
from catalogue.values import CHINA_TIME

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=CHINA_TIME)


def demo_keys() -> KeyRing:
    return generate_keys(demo=True)


def person(serial: int = 1) -> SubjectKey:
    body = f"99010119900307{serial:03d}"
    return SubjectKey.person(body + mod_11_2.calc_check_digit(body))


def entity(registrar: str = "91", serial: int = 1) -> SubjectKey:
    body = f"{registrar}990100MA9T{serial:05d}"
    return SubjectKey.entity(body + uscc.calc_check_digit(body))


def client(client_id: str = "hr-approval", kind: ActorKind = ActorKind.OFFICER, **changes: object) -> Client:
    fields: dict[str, object] = {
        "client_id": client_id,
        "kind": kind,
        "organization": entity("11").value,
        "organization_name": "示例县人力资源和社会保障局",
        "contact": "+86 570 0000000",
        "valid_from": date(2026, 1, 1),
        "valid_until": NOW.date() + timedelta(days=300),
        "approved_by": ("op-0012", "op-0034"),
        "scopes": frozenset({"credit:check"}),
    }
    return Client.model_validate(fields | changes)
