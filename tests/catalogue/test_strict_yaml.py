"""YAML 1.2 booleans only: a department's codes are words, not truth values."""

import pytest
import yaml

from catalogue.strict_yaml import StrictLoader


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "Y", "N", "On", "NO"])
def test_words_of_yaml_1_1_stay_words(word: str) -> None:
    assert yaml.load(f"{word}: {word}", StrictLoader) == {word: word}


@pytest.mark.parametrize(("word", "truth"), [("true", True), ("False", False)])
def test_true_and_false_are_booleans(word: str, truth: bool) -> None:
    assert yaml.load(f"a: {word}", StrictLoader) == {"a": truth}


def test_a_repeated_key_is_refused_with_its_line() -> None:
    with pytest.raises(yaml.MarkedYAMLError) as caught:
        yaml.load("a: 1\nb: 2\na: 3\n", StrictLoader)
    assert caught.value.problem_mark is not None
    assert caught.value.problem_mark.line == 2
