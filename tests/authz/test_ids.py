import os
import re

import pytest

from authz.ids import id_of, new_id
from catalogue.personal_text import scrub


def test_ids_are_letters_so_that_none_reads_like_a_number() -> None:
    made = {new_id("rc") for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"rc_[a-p]{32}", each) and scrub(each) == each for each in made)


def test_the_id_of_a_text_is_always_the_same() -> None:
    assert id_of("oc", "a") == id_of("oc", "a") != id_of("oc", "b")
    assert re.fullmatch(r"tk_[a-p]{12}", id_of("tk", "a", 48))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is one process only")
def test_a_forked_process_makes_other_ids() -> None:
    new_id("rc")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, new_id("rc").encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 64).decode() not in {new_id("rc") for _ in range(1000)}
    os.close(reading)
    os.close(writing)
