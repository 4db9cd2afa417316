import re

from authz.ids import id_of, new_id
from catalogue.personal_text import scrub


def test_ids_are_letters_so_that_none_reads_like_a_number() -> None:
    made = {new_id("rc") for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"rc_[a-p]{32}", each) and scrub(each) == each for each in made)


def test_the_id_of_a_text_is_always_the_same() -> None:
    assert id_of("oc", "a") == id_of("oc", "a") != id_of("oc", "b")
    assert re.fullmatch(r"tk_[a-p]{12}", id_of("tk", "a", 48))
