"""Words that a client chooses and others keep: purposes, case numbers, operators, names in texts."""

from datetime import date, datetime
from pathlib import Path

import aiohttp
import pytest

from authz.actors import Actor, ActorKind
from authz.declarations import ReasonCode
from authz.errors import AccessDenied, Unauthenticated
from authz.mandates import CaseClaim, MandateRegister, load_mandates
from catalogue.loader import load_catalogue
from catalogue.personal_text import scrub
from catalogue.values import CHINA_TIME
from tests.attack.conftest import Target
from tests.support.county import COUNTY

OFFICER = Actor(
    ActorKind.OFFICER, "hr-approval", "11990100000090106G", "样例县人社局", operator="op-0001", vouched=True
)
DAY = date(2026, 11, 21)


def claim(number: str, purpose: str) -> CaseClaim:
    return CaseClaim("S04", number, purpose, reason=ReasonCode.SUPERVISION, no_conflict=True)


@pytest.fixture(scope="module")
def mandates() -> MandateRegister:
    return load_mandates(COUNTY / "mandates.yaml", load_catalogue(COUNTY / "catalogue"))


@pytest.mark.parametrize("purpose", ["录" * 201, "录用\u202e审查", "录用\x00", "录用\n审查"])
def test_a_purpose_is_one_short_line_that_reads_as_it_is_written(mandates: MandateRegister, purpose: str):
    assert mandates.grant(OFFICER, claim("RSKS-2026-0001", "录" * 200), DAY)
    with pytest.raises(AccessDenied) as refused:
        mandates.grant(OFFICER, claim("RSKS-2026-0001", purpose), DAY)
    assert refused.value.code == "PURPOSE_REQUIRED"


@pytest.mark.parametrize("number", ["RSKS-20２６-0001", "RSKS-2026-000١"])
def test_a_case_number_is_written_in_the_digits_that_a_file_can_be_found_by(
    mandates: MandateRegister, number: str
):
    with pytest.raises(AccessDenied) as refused:
        mandates.grant(OFFICER, claim(number, "录用审查"), DAY)
    assert refused.value.code == "CASE_NUMBER_INVALID"


@pytest.mark.parametrize(
    "operator",
    ["op.990101198001010014", "x990101800101001", "13800138000", "138-0013-8000", "op:138.0013.8000"],
)
def test_an_operator_is_nobodys_number(target: Target, operator: str):
    token = target.token("hr-approval", operator=operator)
    with pytest.raises(Unauthenticated) as refused:
        target.deployment.verifier.verify(token, datetime.now(CHINA_TIME))
    assert refused.value.code == "TOKEN_OPERATOR"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_request_id_is_not_a_citizen_id_in_pieces(target: Target):
    for offered, taken in (("99-01-01-19-80-01-01-00-14", False), ("0e2f-trace-0001", True)):
        async with (
            aiohttp.ClientSession(headers={"X-Request-ID": offered}) as session,
            session.get(f"{target.url}/livez") as response,
        ):
            assert (response.headers["X-Request-ID"] == offered) is taken


def test_a_name_with_blanks_is_found_however_it_is_spaced():
    assert scrub("经查,买买提 · 样例与买买提·样例有关", ["买买提  · 样例"]) == "经查,[姓名]与[姓名]有关"


def test_the_store_is_for_the_gateway_alone(target: Target):
    files = [path for path in target.folder.iterdir() if path.name.startswith("gateway.db")]
    assert {stat_of(path) for path in files} == {0o600}


def stat_of(path: Path) -> int:
    return path.stat().st_mode & 0o777
