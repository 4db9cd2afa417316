from collections.abc import Iterable

import pytest
from pydantic import ValidationError

from catalogue.identifiers import SubjectKey
from connectors.keys import asked_forms, key_variants
from connectors.protocol import Links
from connectors.shapes import Key, KeyForm

BORN_19XX = SubjectKey.person("990101197512310022")
BORN_2012 = SubjectKey.person("99010120120615004X")
COMPANY = SubjectKey.entity("91990100MA9TE00142")


@pytest.mark.parametrize(
    ("key", "forms", "expected"),
    [
        (BORN_2012, ["NORMAL"], ["99010120120615004X"]),
        (BORN_2012, ["NORMAL", "LOWER"], ["99010120120615004X", "99010120120615004x"]),
        (BORN_2012, ["LOWER"], ["99010120120615004x"]),
        (BORN_19XX, ["NORMAL", "LOWER"], ["990101197512310022"]),
        (BORN_19XX, ["DIGITS_15"], ["990101751231002"]),
        (BORN_19XX, ["PADDED"], ["990101751231002   "]),
        (BORN_2012, ["DIGITS_15", "PADDED"], []),
        (BORN_19XX, ["TRAILING_SPACE"], ["990101197512310022 ", "990101197512310022\t"]),
        (
            BORN_19XX,
            ["DIGITS_15", "TRAILING_SPACE"],
            ["990101751231002", "990101751231002 ", "990101751231002\t"],
        ),
        (BORN_2012, ["DIGITS_15", "TRAILING_SPACE"], []),
        (BORN_2012, ["FULL_WIDTH"], ["９９０１０１２０１２０６１５００４Ｘ"]),
        (COMPANY, ["ORGANIZATION_CODE"], ["MA9TE0014", "MA9TE001-4"]),
        (
            COMPANY,
            ["ORGANIZATION_CODE", "LOWER"],
            ["MA9TE0014", "MA9TE001-4", "91990100ma9te00142", "ma9te0014", "ma9te001-4"],
        ),
        (COMPANY, ["TAXPAYER_15"], ["990100MA9TE0014"]),
        (BORN_19XX, ["ORGANIZATION_CODE", "TAXPAYER_15"], []),
        (COMPANY, ["DIGITS_15", "PADDED"], []),
    ],
)
def test_every_declared_form_is_asked_for_and_no_other(
    key: SubjectKey, forms: list[str], expected: list[str]
) -> None:
    assert list(key_variants(key, _declared(forms))) == expected


def test_all_forms_together_hold_no_repeat() -> None:
    variants = key_variants(BORN_19XX, _declared(KeyForm))
    assert len(set(variants)) == len(variants)
    assert {"990101197512310022", "990101751231002", "990101751231002   ", "990101197512310022\t"} <= set(
        variants
    )


def test_linked_numbers_are_asked_for_only_where_the_column_may_hold_them() -> None:
    key = SubjectKey.entity("91990100MA9TE00142")
    links = Links(numbers=("990100000000013",))
    assert asked_forms(key, links, _declared(["NORMAL"])) == (key.value,)
    assert asked_forms(key, links, _declared(["NORMAL", "LINKED"])) == (key.value, *links.numbers)


def _declared(forms: Iterable[str], **more: int) -> Key:
    return Key(columns=("key",), forms=tuple(map(KeyForm, forms)), **more)


def test_padding_reaches_the_declared_length_in_every_other_form() -> None:
    declared = _declared(["NORMAL", "LOWER", "DIGITS_15", "PADDED"], pad_to=20)
    assert key_variants(BORN_2012, declared) == (
        "99010120120615004X",
        "99010120120615004X  ",
        "99010120120615004x",
        "99010120120615004x  ",
    )
    assert "990101751231002     " in key_variants(BORN_19XX, declared)


def test_a_length_without_the_form_is_refused() -> None:
    with pytest.raises(ValidationError, match="PADDED"):
        _declared(["NORMAL"], pad_to=20)
