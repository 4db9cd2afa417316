"""`credit-gateway receipt verify`: by anybody who has the public keys, with an exit code for scripts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from authz.keys import generate_keys
from authz.receipts import opened, signed
from tests.checks.conftest import Office
from tests.support.commands import Result, command

pytestmark = pytest.mark.asyncio(loop_scope="session")
Verify = Callable[..., Awaitable[Result]]


@pytest_asyncio.fixture(loop_scope="session")
async def answer(office: Office) -> Any:
    return (await office.check("S04", "异议样例")).reply.body


@pytest_asyncio.fixture(loop_scope="session")
async def files(office: Office, answer: Any, tmp_path: Path) -> Path:
    keys = office.stage.deployment.keys.receipt_keys().as_dict(private=False)
    (tmp_path / "receipt-jwks.json").write_bytes(orjson.dumps(keys))
    (tmp_path / "receipt.jws").write_text(answer["data"]["mustCheck"]["receipt"]["jws"] + "\n")
    (tmp_path / "answer.json").write_bytes(orjson.dumps(answer))
    return tmp_path


async def verify(files: Path, *more: str, file: str = "receipt.jws", **options: str) -> Result:
    keys = options.pop("jwks", "receipt-jwks.json")
    return await command("receipt", "verify", file, "--jwks", keys, *more, cwd=files, **options)  # type: ignore[arg-type]


async def test_a_genuine_receipt_holds_with_its_answer(files: Path):
    assert (await verify(files)).code == 0
    found = await verify(files, "--result", "answer.json", "--json")
    assert (found.code, found.json["verdict"]) == (0, "VALID")
    assert found.json["receipt"]["scenario"] == "S04"


async def test_it_reads_standard_input_and_fetches_published_keys(office: Office, files: Path):
    address = f"{office.stage.urls['default']}/.well-known/receipt-jwks.json"
    text = (files / "receipt.jws").read_text()
    assert (await verify(files, file="-", jwks=address, stdin=text)).code == 0
    assert (await verify(files, file="-", jwks=address, stdin=text[1:])).code == 1


def set_result(answer: Any, result: str) -> None:
    answer["data"]["mustCheck"]["items"][0]["result"] = result


def set_predicate(answer: Any) -> None:
    answer["data"]["mustCheck"]["predicates"][0]["value"] = "FALSE"


def set_statement(answer: Any) -> None:
    given = answer["data"]["mustCheck"]["receipt"]
    given["statement"] = given["statement"].replace("DISPUTED", "PRESENT")


def set_nonce(answer: Any) -> None:
    answer["data"]["mustCheck"]["receipt"]["nonce"] = "A" * 43


@pytest.mark.parametrize(
    "forge",
    [
        lambda answer: set_result(answer, "PRESENT"),
        set_predicate,
        set_statement,
        set_nonce,
        lambda answer: answer["data"]["mustCheck"].update(subjectRef="sr_of_somebody_else"),
        lambda answer: answer["data"]["mustCheck"].update(caseNo="RSKS-2026-9999"),
        lambda answer: answer["data"]["mustCheck"].update(related=[{"items": [], "predicates": []}]),
        lambda answer: answer["data"]["mustCheck"].pop("receipt"),
    ],
    ids=["result", "predicate", "statement", "nonce", "subject", "case", "person", "none"],
)
async def test_another_answer_is_told(files: Path, answer: Any, forge: Callable[[Any], object]):
    forge(answer)
    (files / "answer.json").write_bytes(orjson.dumps(answer))
    found = await verify(files, "--result", "answer.json", "--json")
    assert (found.code, found.json["verdict"]) == (1, "OTHER_RESULT")


async def test_a_forged_one_does_not_hold(office: Office, files: Path):
    text = (files / "receipt.jws").read_text().strip()
    genuine = opened(text, office.stage.deployment.keys.receipt_keys())
    head, body, signature = text.split(".")
    other = generate_keys()
    for forged in (
        f"{head}.{body[:-1]}{'A' if body[-1] != 'A' else 'B'}.{signature}",
        signed(genuine, other.receipt_key),
        signed(genuine, office.stage.deployment.keys.consent_key),
        "",
    ):
        (files / "receipt.jws").write_text(forged)
        found = await verify(files, "--json")
        assert (found.code, found.json) == (1, {"verdict": "INVALID", "receipt": None})


async def test_an_expired_one_is_genuine_and_says_so(office: Office, files: Path):
    genuine = opened((files / "receipt.jws").read_text(), office.stage.deployment.keys.receipt_keys())
    old = genuine.model_copy(update={"valid_until": genuine.checked_at - timedelta(days=1)})
    (files / "receipt.jws").write_text(signed(old, office.stage.deployment.keys.receipt_key))
    found = await verify(files, "--json")
    assert (found.code, found.json["verdict"]) == (3, "EXPIRED")


async def test_what_cannot_be_read_is_one_line(files: Path):
    (files / "bad.json").write_text("[")
    (await verify(files, file="gone.jws")).refused("FILE_UNREADABLE", "gone.jws")
    (await verify(files, jwks="bad.json")).refused("KEYS_UNREADABLE")
    (await verify(files, jwks="http://127.0.0.1:1/keys")).refused("KEYS_UNREADABLE")
    (await verify(files, "--result", "bad.json")).refused("FILE_UNREADABLE")
