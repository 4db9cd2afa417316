"""Each record says where it comes from itself, though what its source says is put together once."""

from typing import cast

from authz.actors import ANONYMOUS
from authz.grants import Public
from authz.policy import decision_table
from catalogue.identifiers import SubjectKind
from catalogue.loader import load_catalogue
from catalogue.model import Label
from connectors.protocol import Source
from resolvers.building import TypeView
from tests.fuzz.worlds import Department

CATALOGUE = load_catalogue()
LICENCE = CATALOGUE.record_types["E-SC-01"]


def test_two_sources_of_one_type_are_told_apart():
    decisions = decision_table(Public(ANONYMOUS), [LICENCE], SubjectKind.ENTERPRISE, personal=False)
    view = TypeView.of(LICENCE, decisions[LICENCE.code], dated=True)
    one, other = (
        cast(Source, Department(name, code, Label(zh=name, en=name), contact))
        for name, code, contact in (("甲", "SC", "1"), ("乙", "RS", "2"))
    )
    told = [view.origin(source, CATALOGUE) for source in (one, other, one)]
    assert [(each["department"], each["system"], each["contact"]) for each in told] == [
        ("SC", "甲", "1"),
        ("RS", "乙", "2"),
        ("SC", "甲", "1"),
    ]
