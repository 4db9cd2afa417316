"""When two writings of a name are one name."""

import pytest

from resolvers.healing import names_match


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("测试甲", " 测试 甲 "),
        ("买买提·样例", "买买提•样例"),
        ("买买提·样例", "买买提．样例"),
        ("ＡＢＣ", "abc"),
        ("样例乙", "样例\u3000乙"),
    ],
)
def test_spacing_width_case_and_dots_do_not_make_another_name(one: str, other: str) -> None:
    assert names_match(one, other)


@pytest.mark.parametrize(("one", "other"), [("测试甲", "测试乙"), ("买买提·样例", "买买提样例"), ("甲", "")])
def test_another_character_is_another_name(one: str, other: str) -> None:
    assert not names_match(one, other)
