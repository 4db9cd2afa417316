"""A minor record never counts, so in a check it does not leave; of a mixed one its plain part stays."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authz.grants import Channel
from authz.lifecycle import Effect
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Role
from catalogue.values import PartialDate
from connectors.protocol import Row, Source
from connectors.shapes import Origin
from resolvers.healing import Lens, heal
from tests.support.small_catalogue import COMPANY, PERSON

CATALOGUE = load_catalogue()
PENALTY, COMMITMENT = CATALOGUE.record_types["P-FG-03"], CATALOGUE.record_types["P-FG-01"]
PLAIN = Lens(
    SubjectKey.person(PERSON), None, Channel.CHECK, date(2026, 6, 1), CATALOGUE.localities["default"], None
)
CHECK = replace(PLAIN, minor=False)


def source_of(entry: Any, *fields: str) -> Source:
    """A source that maps these fields; all, unless said."""
    mapped = {name: Origin(column=name) for name in fields or (field.name for field in entry.fields)}
    records = {entry.code: SimpleNamespace(fields=mapped)}
    return cast(Source, SimpleNamespace(name="a", manifest=SimpleNamespace(records=records)))


def kept(entry: Any, lens: Lens, values: dict[str, Any], *fields: str, **controls: Any) -> list[Effect]:
    told = {Role.DETERMINED_ON: PartialDate.parse("2026-05-20"), **{Role(k): v for k, v in controls.items()}}
    source = source_of(entry, *fields)
    return [one.verdict.effect for one in heal(entry, None, [(source, Row("1", values, told))], lens).kept]


@pytest.mark.parametrize(
    ("severity", "plainly", "checked"),
    [("MINOR", [Effect.KEEP], []), ("GENERAL", [Effect.KEEP], [Effect.KEEP])],
)
def test_a_minor_penalty_leaves_in_no_check(severity: str, plainly: list[Effect], checked: list[Effect]):
    assert kept(PENALTY, PLAIN, {}, severity=severity) == plainly
    assert kept(PENALTY, CHECK, {}, severity=severity) == checked


def test_a_commitment_that_was_not_kept_stays_as_a_commitment():
    broken = {"performance": "未履行"}
    assert kept(COMMITMENT, PLAIN, broken) == [Effect.KEEP]
    assert kept(COMMITMENT, CHECK, broken) == [Effect.STRIP]


@pytest.mark.parametrize(
    ("fields", "left"),
    [(("uscc", "name", "listKind"), []), (("name", "listKind", "registeredOn"), [Effect.STRIP])],
    ids=["a list of its own", "a registration"],
)
def test_a_listing_that_has_lapsed_leaves_no_empty_registration(fields: tuple[str, ...], left: list[Effect]):
    entry = CATALOGUE.record_types["E-MZ-01"]
    lens = replace(PLAIN, key=SubjectKey.entity(COMPANY), channel=Channel.PUBLIC, today=date(2036, 6, 1))
    listed = {"listKind": "活动异常名录"}
    assert kept(entry, lens, listed, *fields, severity="GENERAL") == left
