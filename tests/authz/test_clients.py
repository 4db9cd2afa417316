from datetime import date
from pathlib import Path

import pytest

from authz.actors import ActorKind
from authz.clients import ClientRegister, load_clients
from authz.errors import ConfigurationError, Unauthenticated
from tests.support.authz_parties import client, entity

REGISTER = f"""
- clientId: hr-approval
  kind: OFFICER
  organization: {entity("11").value}
  organizationName: 示例县人力资源和社会保障局
  contact: "+86 570 0000000"
  validFrom: 2026-01-01
  validUntil: 2027-12-31
  approvedBy: [op-0012, op-0034]
  scopes: [credit:check]
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "clients.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_register_is_read(tmp_path: Path) -> None:
    found = load_clients(_write(tmp_path, REGISTER)).active("hr-approval", date(2026, 5, 1))
    assert found.kind is ActorKind.OFFICER
    assert found.organization == entity("11").value
    assert found.scopes == {"credit:check"}


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("CLIENT_SHAPE", "kind: OFFICER", "kind: KING"),
        ("CLIENT_SHAPE", "contact:", "kontakt:"),
        ("CLIENT_SHAPE", "[op-0012, op-0034]", "[op-0012]"),
        ("CLIENT_SHAPE", "clientId: hr-approval", "clientId: 'HR approval'"),
        ("CLIENT_KIND", "kind: OFFICER", "kind: ANONYMOUS"),
        ("CLIENT_KIND", "clientId: hr-approval", "clientId: anonymous"),
        ("CLIENT_ORGANIZATION", entity("11").value, entity("11").value[:-1] + "0"),
        ("CLIENT_ORGANIZATION", entity("11").value, entity("92").value),
        ("CLIENT_PERIOD", "2027-12-31", "2028-01-02"),
        ("CLIENT_PERIOD", "2027-12-31", "2025-12-31"),
        ("CLIENT_APPROVAL", "[op-0012, op-0034]", "[op-0012, ' op-0012']"),
        ("CLIENT_APPROVAL", "[op-0012, op-0034]", "[op-0012, '']"),
        ("CLIENT_SYNTAX", "- clientId", "clientId: {"),
    ],
)
def test_what_may_not_be_registered_has_a_code(tmp_path: Path, code: str, old: str, new: str) -> None:
    assert old in REGISTER
    with pytest.raises(ConfigurationError) as refused:
        load_clients(_write(tmp_path, REGISTER.replace(old, new)))
    assert refused.value.code == code


def test_two_years_is_the_longest_term(tmp_path: Path) -> None:
    load_clients(_write(tmp_path, REGISTER.replace("2027-12-31", "2028-01-01")))


def test_a_register_is_a_list_of_different_clients(tmp_path: Path) -> None:
    for code, text in [("CLIENT_DUPLICATE", REGISTER + REGISTER), ("CLIENT_SYNTAX", "clientId: x")]:
        with pytest.raises(ConfigurationError) as refused:
            load_clients(_write(tmp_path, text))
        assert refused.value.code == code
    with pytest.raises(ConfigurationError) as refused:
        load_clients(tmp_path / "none.yaml")
    assert refused.value.code == "CLIENT_FILE"


def test_a_client_acts_from_its_first_to_its_last_day() -> None:
    register = ClientRegister([client(valid_from=date(2026, 1, 1), valid_until=date(2026, 6, 30))])
    for day in (date(2026, 1, 1), date(2026, 6, 30)):
        assert register.active("hr-approval", day).client_id == "hr-approval"
    for day in (date(2025, 12, 31), date(2026, 7, 1)):
        with pytest.raises(Unauthenticated) as refused:
            register.active("hr-approval", day)
        assert refused.value.code == "TOKEN_CLIENT_EXPIRED"
    with pytest.raises(Unauthenticated) as refused:
        register.active("nobody", date(2026, 1, 1))
    assert refused.value.code == "TOKEN_CLIENT_UNKNOWN"
