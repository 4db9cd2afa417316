"""Keys of an external issuer, from a real server that changes, lies and goes away."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from authz.errors import AuthzError
from gateway.issuer import LONGEST_HOLD, DiscoveredKeys, filed_keys
from gateway.settings import SettingsError
from tests.support.http import served
from tests.support.processes import eventually

ISSUER = "https://id.example.gov.cn"


class Issuer:
    """Publishes what a test wants."""

    def __init__(self) -> None:
        self.url = ""
        self.metadata: dict[str, Any] = {}
        self.keys: object = {"keys": [jwk("one")]}
        self.answer: Response | None = None

    async def discovery(self, _: Request) -> Response:
        return Response(orjson.dumps({"issuer": ISSUER, "jwks_uri": f"{self.url}/jwks"} | self.metadata))

    async def jwks(self, _: Request) -> Response:
        return self.answer or Response(orjson.dumps(self.keys))


def jwk(kid: str) -> dict[str, object]:
    return dict(ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=False))


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    routes = [Route("/.well-known/openid-configuration", found.discovery), Route("/jwks", found.jwks)]
    async with served(Starlette(routes=routes)) as found.url:
        yield found


def discovered(issuer: Issuer, **options: Any) -> DiscoveredKeys:
    return DiscoveredKeys(ISSUER, f"{issuer.url}/.well-known/openid-configuration", **options)


def kids(keys: DiscoveredKeys) -> list[str | None]:
    return [key.kid for key in keys()]


def is_unavailable(keys: DiscoveredKeys) -> bool:
    with pytest.raises(AuthzError) as refused:
        keys()
    return refused.value.code == "ISSUER_UNAVAILABLE"


async def test_keys_are_found_and_renewed(issuer: Issuer) -> None:
    async with discovered(issuer, renew=0.02) as keys:
        assert kids(keys) == ["one"]
        issuer.keys = {"keys": [jwk("one"), jwk("two")]}

        async def new() -> bool:
            return kids(keys) == ["one", "two"]

        await eventually(new)


async def test_the_same_keys_stay_the_same_object(issuer: Issuer) -> None:
    """For a change of object forgets every verified token."""
    async with discovered(issuer) as keys:
        before = keys()
        await keys._look()
        assert keys() is before


async def test_keys_we_could_not_believe_are_left_out(issuer: Issuer) -> None:
    secret = dict(OctKey.generate_key(256).as_dict(private=True))
    rsa = [dict(RSAKey.generate_key(2048).as_dict(private=False)) for _ in range(2)]
    issuer.keys = {"keys": [secret, {"kty": "none"}, *rsa, jwk("one")]}
    async with discovered(issuer) as keys:
        assert [key.key_type for key in keys()] == ["RSA", "RSA", "EC"]


async def test_a_set_that_arrives_in_parts_is_read_whole(issuer: Issuer) -> None:
    whole = orjson.dumps(issuer.keys)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 40):
            yield whole[start : start + 40]

    issuer.answer = StreamingResponse(parts())
    async with discovered(issuer) as keys:
        assert kids(keys) == ["one"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://other.example"},
        {"issuer": ISSUER + "/"},
        {"issuer": None},
        {"jwks_uri": "http://id.example.gov.cn/jwks"},
        {"jwks_uri": "http://127.0.0.1:1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
)
async def test_a_mixed_up_issuer_is_not_believed(issuer: Issuer, metadata: dict[str, object]) -> None:
    issuer.metadata = metadata
    async with discovered(issuer) as keys:
        assert is_unavailable(keys)


@pytest.mark.parametrize(
    "answer",
    [
        Response(b"{}"),
        Response(b'{"keys": []}'),
        Response(b"not json"),
        Response(b'{"keys": [' + b" " * 300_000 + b"]}"),
        Response(b"", 503),
        RedirectResponse("https://elsewhere.example/jwks"),
    ],
    ids=["no set", "empty", "no json", "too large", "broken", "elsewhere"],
)
async def test_an_answer_that_is_no_key_set_gives_no_keys(issuer: Issuer, answer: Response) -> None:
    issuer.answer = answer
    async with discovered(issuer) as keys:
        assert is_unavailable(keys)


async def test_the_last_keys_hold_for_a_while(issuer: Issuer) -> None:
    now = 0.0
    async with discovered(issuer, timer=lambda: now) as keys:
        issuer.answer = Response(b"", 503)
        now += LONGEST_HOLD
        await keys._look()
        assert kids(keys) == ["one"]
        now += 1
        assert is_unavailable(keys)
        issuer.answer = None
        await keys._look()
        assert kids(keys) == ["one"]


async def test_an_issuer_that_is_down_does_not_stop_the_start() -> None:
    async with DiscoveredKeys(ISSUER, "http://127.0.0.1:1/.well-known/openid-configuration") as keys:
        assert is_unavailable(keys)


def test_a_file_of_keys(tmp_path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(orjson.dumps({"keys": [jwk("one")]}))
    assert [key.kid for key in filed_keys(path)()] == ["one"]
    for wrong in (b"{}", b"x", b'{"keys": [{"kty": "oct", "k": "AA"}]}'):
        path.write_bytes(wrong)
        with pytest.raises(SettingsError) as refused:
            filed_keys(path)
        assert (refused.value.code, refused.value.key) == ("BAD_VALUE", "jwks")
