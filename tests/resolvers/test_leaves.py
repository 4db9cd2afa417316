"""What all requests of a batch print alike is worked out once, and is what each would print."""

from datetime import UTC, datetime

import pytest
from graphql import GraphQLScalarType

from catalogue.values import CHINA_TIME
from resolvers.compiled.leaves import Unfit, fetched, instant, leaf


class Other(datetime):
    """An instant, but not just an instant."""


NOON = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=CHINA_TIME)


@pytest.mark.parametrize("moment", [NOON, NOON.astimezone(UTC), NOON.replace(microsecond=0)])
def test_a_moment_is_printed_alike_whether_it_is_remembered_or_not(moment):
    assert [fetched(moment), fetched(moment)] == [instant(moment)] * 2


@pytest.mark.parametrize(
    "moment",
    [NOON.replace(tzinfo=None), Other(2026, 6, 1, 12, 0, 0, 123456, CHINA_TIME), "2026-06-01", None],
)
def test_what_is_no_plain_instant_is_left_even_where_an_equal_one_is_remembered(moment):
    fetched(NOON)
    with pytest.raises(Unfit):
        fetched(moment)


def test_a_value_of_a_record_is_never_remembered():
    kind = GraphQLScalarType("DateTime")
    assert "fetched(" in leaf(kind, "section.fetched_at", of_batch=True)
    assert "fetched(" not in leaf(kind, "values['updatedAt']")
