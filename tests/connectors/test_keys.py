import pytest

from catalogue.identifiers import SubjectKey
from connectors.keys import key_variants
from connectors.shapes import KeyForm

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
    assert list(key_variants(key, tuple(map(KeyForm, forms)))) == expected


def test_all_forms_together_hold_no_repeat() -> None:
    variants = key_variants(BORN_19XX, tuple(KeyForm))
    assert len(set(variants)) == len(variants)
    assert {"990101197512310022", "990101751231002", "990101751231002   ", "990101197512310022\t"} <= set(
        variants
    )
