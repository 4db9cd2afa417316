from datetime import date
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from authz.actors import ActorKind
from authz.clients import Client, ClientRegister, GrantType, load_clients
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
        ("CLIENT_SHAPE", "contact:", "grantTypes: [password]\n  contact:"),
        ("CLIENT_SHAPE", "contact:", "jwks: {keys: []}\n  contact:"),
        ("CLIENT_SHAPE", "contact:", "jwks_uri: https://bank.example/keys\n  contact:"),
    ],
)
def test_what_may_not_be_registered_has_a_code(tmp_path: Path, code: str, old: str, new: str) -> None:
    assert old in REGISTER
    with pytest.raises(ConfigurationError) as refused:
        load_clients(_write(tmp_path, REGISTER.replace(old, new)))
    assert refused.value.code == code


KEY = ECKey.generate_key("P-256", {"kid": "2026"})
PUBLIC = KEY.as_dict(private=False)


@pytest.mark.parametrize(
    "jwk",
    [
        KEY.as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        ECKey.generate_key("P-384").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {},
    ],
)
def test_only_public_keys_of_the_listed_kinds_are_registered(jwk: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ClientRegister([client(jwks={"keys": [jwk]})])
    assert refused.value.code == "CLIENT_KEYS"
    assert str(jwk.get("d", "no private part")) not in str(refused.value)


def test_keys_of_a_client_have_different_names() -> None:
    other = ECKey.generate_key("P-256", {"kid": "2026"}).as_dict(private=False)
    with pytest.raises(ConfigurationError) as refused:
        ClientRegister([client(jwks={"keys": [PUBLIC, other]})])
    assert refused.value.code == "CLIENT_KEYS"


def test_a_grant_needs_a_key_and_is_not_for_persons() -> None:
    grant = {"grant_types": ["client_credentials"]}
    accepted = client(jwks={"keys": [PUBLIC]}, **grant)
    ClientRegister([accepted])
    assert [key.kid for key in accepted.keys] == ["2026"]
    for refused_client in (
        client(**grant),
        client(kind=ActorKind.PERSON, jwks={"keys": [PUBLIC]}, **grant),
    ):
        with pytest.raises(ConfigurationError) as refused:
            ClientRegister([refused_client])
        assert refused.value.code == "CLIENT_GRANT"


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


CALLBACK = "https://app.example.cn/callback"


def _app(**changes: object) -> Client:
    return client("app", ActorKind.PERSON).model_copy(
        update={"grant_types": frozenset({GrantType.AUTHORIZATION_CODE}), "redirect_uris": (CALLBACK,)}
        | changes
    )


@pytest.mark.parametrize(
    "uris",
    [
        (CALLBACK,),
        ("http://127.0.0.1:8765/callback",),
        ("http://[::1]/callback",),
    ],
)
def test_a_code_goes_where_nobody_on_the_way_reads_it(uris: tuple[str, ...]) -> None:
    ClientRegister([_app(redirect_uris=uris)])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uris": ()}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("http://app.example.cn/callback",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("http://localhost/callback",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": (CALLBACK + "#top",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("https://*.example.cn/callback",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("https://me@app.example.cn/callback",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("cn.example.app:/callback",)}, "CLIENT_REDIRECT"),
        ({"redirect_uris": ("javascript:alert(1)",), "native": True}, "CLIENT_REDIRECT"),
        ({"grant_types": frozenset(), "origins": frozenset({"https://app.example.cn"})}, "CLIENT_REDIRECT"),
        ({"kind": ActorKind.OFFICER}, "CLIENT_GRANT"),
        ({"grant_types": frozenset({GrantType.CLIENT_CREDENTIALS})}, "CLIENT_GRANT"),
    ],
)
def test_a_client_that_could_lose_a_code_is_not_registered(changes: dict[str, object], code: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        ClientRegister([_app(**changes)])
    assert refused.value.code == code


def test_an_installed_app_may_have_a_scheme_of_its_own() -> None:
    app = _app(redirect_uris=("cn.example.app:/callback", "http://127.0.0.1/cb"), native=True)
    ClientRegister([app])
    assert app.takes_redirect("http://127.0.0.1:5000/cb")
    assert not app.takes_redirect("cn.example.app:/callback2")
    assert not _app(redirect_uris=("http://127.0.0.1/cb",)).takes_redirect("http://127.0.0.1:5000/cb")
