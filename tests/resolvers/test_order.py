"""The records of a section come newest first, and always in the same order."""

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

from authz.grants import Channel
from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Role
from catalogue.values import PartialDate
from connectors.protocol import Row, Source
from resolvers.healing import Lens, heal
from tests.support.small_catalogue import PERSON, small_catalogue

LICENCE = small_catalogue().record_types["P-TT-02"].model_copy(update={"adverse_when": ()})
LENS = Lens(
    SubjectKey.person(PERSON),
    None,
    Channel.SELF,
    date(2026, 1, 1),
    load_catalogue().localities["default"],
    None,
)


def rows(*found: tuple[str, str, str | None]) -> list[tuple[Source, Row]]:
    """Source, identity at the source, day."""
    return [
        (
            cast(Source, SimpleNamespace(name=source)),
            Row(identity, {}, {Role.DETERMINED_ON: PartialDate.parse(day)} if day else {}),
        )
        for source, identity, day in found
    ]


def order(*found: Any) -> list[str]:
    return [healed.row.identity for healed in heal(LICENCE, None, rows(*found), LENS).kept]


def test_newest_first_and_the_undated_last() -> None:
    assert order(("a", "1", None), ("a", "2", "2024-05-01"), ("a", "3", "2025-01")) == ["3", "2", "1"]


def test_records_of_one_day_stand_by_source_and_identity() -> None:
    day = "2025-01-01"
    assert order(("b", "1", day), ("a", "9", day), ("a", "2", day)) == ["2", "9", "1"]
