"""Of a mixed record whose adverse part has run out, nothing about that part leaves by any other field."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest

from authz.actors import ANONYMOUS
from authz.grants import Channel, Public
from authz.keys import generate_keys
from authz.policy import decision_table
from authz.references import References
from catalogue.identifiers import SubjectKey, SubjectKind
from catalogue.loader import load_catalogue
from catalogue.model import Role
from catalogue.values import PartialDate, Value
from connectors.errors import SectionState
from connectors.protocol import Row
from connectors.registry import load_manifest
from connectors.sql import SqlSource
from resolvers.building import Node, Record, Section, Subject, TypeView
from resolvers.healing import Lens, heal
from resolvers.nodes import record_node
from tests.support.county import COUNTY

CATALOGUE = load_catalogue(COUNTY / "catalogue")
LABOUR = CATALOGUE.record_types["E-RS-01"]
COMPANY = SubjectKey.entity("91990100MA9TE00142")
RUNNING, RUN_OUT = date(2026, 6, 1), date(2032, 6, 1)


@pytest.fixture
async def source() -> AsyncIterator[SqlSource]:
    url = "sqlite:///never-opened.db"
    manifest = load_manifest(COUNTY / "sources" / "hr.yaml", CATALOGUE, {"COUNTY_HR_URL": url})
    opened = SqlSource(manifest, CATALOGUE, url)
    yield opened
    await opened.close()


def built(source: SqlSource, today: date, **controls: Value) -> Node:
    """A listing of 2026-03-03 as anyone sees it on a day."""
    values: dict[str, Value] = {
        "grade": "C",
        "listKind": "失信联合惩戒",
        "documentNo": "〔2026〕1号",
        "responsiblePerson": "测试甲",
    }
    listed = {Role.DETERMINED_ON: PartialDate(date(2026, 3, 3))}
    row = Row("1", values, listed | {Role(name): value for name, value in controls.items()})
    lens = Lens(COMPANY, None, Channel.PUBLIC, today, CATALOGUE.localities["default"], None)
    (healed,) = heal(LABOUR, None, [(source, row)], lens).kept
    decisions = decision_table(Public(ANONYMOUS), [LABOUR], SubjectKind.ENTERPRISE, personal=False)
    section = Section(LABOUR, SectionState.OK, None, datetime(2026, 6, 1, tzinfo=UTC), (healed,))
    subject = Subject(CATALOGUE, References(generate_keys(demo=True)), "anonymous", COMPANY, None)
    view = TypeView.of(LABOUR, decisions["E-RS-01"], dated=True)
    return record_node(Record(subject, view, section, healed))


def test_responsible_persons_leave_with_the_decision_that_names_them(source: SqlSource):
    assert built(source, RUNNING)["responsiblePersons"]
    assert built(source, RUN_OUT)["responsiblePersons"] is None


def test_a_repair_does_not_tell_that_there_was_something_to_repair(source: SqlSource):
    under_way = built(source, RUNNING, repairState="APPLIED")["repair"]
    assert under_way == {"state": "APPLIED", "on": None}
    repaired = built(source, RUNNING, repairState="REPAIRED", repairedOn=PartialDate(date(2026, 5, 1)))
    assert repaired["documentNo"] is None
    assert repaired["repair"] is None


def test_the_statement_on_a_decision_leaves_with_it(source: SqlSource):
    assert built(source, RUNNING, statement="已全部支付")["subjectStatement"] == "已全部支付"
    assert built(source, RUN_OUT, statement="已全部支付")["subjectStatement"] is None


def test_a_statement_is_scrubbed_like_any_text(source: SqlSource):
    said = "系990101196307080059所为,电话13800138000"
    assert built(source, RUNNING, statement=said)["subjectStatement"] == "系[证件号]所为,电话[手机号]"
