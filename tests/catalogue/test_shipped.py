"""The packaged catalogue holds what the domain lists, and nothing the guardrails forbid."""

from __future__ import annotations

import pytest

from catalogue.guardrails import STATUTORY_FACTS
from catalogue.identifiers import KeyKind, SubjectKind
from catalogue.lint import lint
from catalogue.model import Catalogue, DataClass, FieldType, Nature, Role, ScenarioKind
from catalogue.scenario import Disclosure

# Output fields, then columns known but never mapped, of each record type.
COUNTS = """
P-GA-01 7+4, P-GA-02 12, P-GA-03 8, P-FY-01 15, P-FY-02 8, P-SF-01 12, P-RS-01 12, P-RS-02 11,
P-RS-03 8+2, P-RS-04 10, P-YB-01 8, P-JY-01 10+1, P-JY-02 9, P-JY-03 9, P-KJ-01 10, P-WJ-01 13,
P-YP-01 12, P-ZJ-01 13, P-BZF-01 8, P-JT-01 10+1, P-WL-01 12, P-SW-01 10, P-JR-01 11, P-MZ-01 9,
P-MZ-02 10, P-WM-01 9, P-ZZ-01 10, P-RW-01 8, P-FG-01 11, P-FG-02 12+1, P-FG-03 15, P-RH-01 8,
E-SC-01 13+1, E-SC-02 9, E-SC-03 9, E-SC-04 10, E-SC-05 10, E-SW-01 9, E-SW-02 10, E-FY-01 12,
E-HJ-01 10, E-YG-01 12, E-RS-01 12, E-ZJ-01 10, E-GG-01 11, E-MZ-01 12, E-BZ-01 12, E-FG-02 10,
E-FG-03 14, E-FG-05 10, E-TJ-01 9, E-ZC-01 9, E-XF-01 10
"""

# Record types each scenario looks at (domain.md §3.1).
RELEVANT = {
    "S01": "P-GA-01 P-RS-03 P-FG-01",
    "S02": "P-RS-01 P-RS-02 P-KJ-01 P-JY-01 P-WJ-01 P-SF-01 P-ZJ-01",
    "S03": "P-FY-01 P-WM-01 P-MZ-02 P-SW-01 P-JY-01 E-SC-04 E-TJ-01",
    "S04": "P-RS-02 P-JY-02 P-FY-01 P-ZZ-01 P-RW-01 P-RS-01",
    "S05": "P-ZZ-01 P-FY-01 P-RS-02 P-WM-01 P-RW-01",
    "S06": "P-GA-03 P-GA-02 P-SF-01 P-RS-01 P-JY-01 P-WJ-01 P-YP-01 P-ZJ-01 P-JT-01 P-WL-01 P-FG-03",
    "S07": "P-FY-01 E-SC-04 P-SW-01 E-SW-02 E-FY-01 E-SC-01",
    "S08": "P-JR-01 P-FY-01 P-RH-01",
    "S09": "E-SC-01 E-GG-01 E-FY-01 E-SW-02 E-SC-04 E-YG-01 E-RS-01 E-SC-03 E-MZ-01 E-BZ-01 E-ZJ-01 E-FG-03 "
    "E-SC-05 P-FY-01",
    "S10": "E-SC-01 E-GG-01 E-FY-01 E-SW-02 E-SC-04 E-YG-01 E-RS-01 E-SC-03 E-ZJ-01 E-FG-03 P-ZJ-01 P-FY-01",
    "S11": "E-SC-01 E-FG-02 E-FG-03 E-SC-04 E-SC-05 E-HJ-01 E-YG-01 E-ZJ-01 E-FY-01 E-XF-01 P-YP-01 P-RS-01 "
    "P-FG-01 P-FG-02 P-FG-03",
    "S12": "E-FY-01 E-SW-01 E-SW-02 E-SC-04 E-YG-01 E-RS-01 E-HJ-01 E-TJ-01 E-ZC-01 E-MZ-01 E-FG-03 E-FG-05 "
    "P-FY-01 P-SW-01 P-KJ-01 P-RS-04 P-YB-01",
    "S13": "E-SC-01 E-FY-01 E-SW-02 E-SC-04 E-GG-01 E-BZ-01 P-FY-01",
    "S14": "P-MZ-01 P-BZF-01",
    "S15": "E-SC-01 E-SC-02 E-SC-03 E-SC-05 E-HJ-01 E-XF-01 E-ZC-01 E-FG-03 E-FG-05",
    "S16": "E-FY-01 E-SC-03 E-SC-04 E-SW-01 E-SW-02 E-YG-01 E-RS-01 E-FG-03 E-MZ-01 E-FG-05 P-FY-01 P-FG-03 "
    "P-GA-02 P-RS-04 P-SW-01 P-WM-01 P-MZ-02 P-FG-01",
    "S17": "E-SC-01 E-SW-01 E-SW-02 E-FY-01 E-SC-04 E-HJ-01 E-RS-01 E-FG-03 P-FY-01 P-FY-02 P-SW-01 P-JY-03 "
    "P-RH-01",
    "S18": "P-RS-01 P-SF-01 P-JT-01 P-WL-01 P-ZJ-01 P-WJ-01",
    "S19": "P-JY-02",
    "S20": "P-FY-02",
}

KEY_AREAS = {
    "FOOD_AND_DRUG",
    "WORK_SAFETY",
    "FIRE_SAFETY",
    "TRAFFIC_SAFETY",
    "ENVIRONMENT",
    "BIOSAFETY",
    "PRODUCT_QUALITY",
    "TAX",
    "HEALTH",
    "LABOUR",
    "CONSTRUCTION",
    "FINANCE",
    "INTELLECTUAL_PROPERTY",
    "JUDICIAL",
    "E_COMMERCE",
    "VOLUNTEERING",
}


def test_it_is_clean(shipped: Catalogue):
    assert lint(shipped) == []


def test_every_field_of_every_type_is_accounted_for(shipped: Catalogue):
    def count(code: str) -> str:
        entry = shipped.record_types[code]
        return f"{len(entry.fields)}" + (f"+{len(entry.never_mapped)}" if entry.never_mapped else "")

    expected = dict(pair.split() for pair in COUNTS.replace("\n", " ").split(","))
    assert {code: count(code) for code in shipped.record_types} == expected
    assert len(shipped.record_types) == 53
    assert sum(len(entry.fields) for entry in shipped.record_types.values()) == 553
    assert sum(len(entry.never_mapped) for entry in shipped.record_types.values()) == 10


def test_scenarios_look_at_what_bears_on_the_matter(shipped: Catalogue):
    assert {code: scenario.record_types for code, scenario in shipped.scenarios.items()} == {
        code: frozenset(types.split()) for code, types in RELEVANT.items()
    }
    assert {scenario.kind for scenario in shipped.scenarios.values()} == set(ScenarioKind)
    assert [code for code, each in shipped.scenarios.items() if each.clock == "RETENTION"] == ["S16"]


def test_hiring_and_lending_rest_on_consent_alone(shipped: Catalogue):
    alone = [code for code, scenario in shipped.scenarios.items() if scenario.basis == ("CONSENT",)]
    assert alone == ["S17", "S18"]


def test_private_hiring_sees_licences_and_nothing_adverse(shipped: Catalogue):
    for item in shipped.scenarios["S18"].relevance:
        entry = shipped.record_types[item.record_type]
        assert item.fields
        assert entry.nature is not Nature.ADVERSE
        assert not any(entry.field_by_name[name].adverse for name in item.fields)


def test_measures_are_the_national_list(shipped: Catalogue):
    codes = [*(f"I-{n:02d}" for n in range(1, 11)), *(f"R-{n:02d}" for n in range(1, 13))]
    assert sorted(shipped.measures) == codes
    assert [code for code in codes if shipped.measures[code].legal_class == 1] == [
        "R-01",
        "R-02",
        "R-03",
        "R-04",
        "R-05",
        "R-10",
    ]
    restrictive = [each for each in shipped.measures.values() if each.legal_class == 1]
    assert all(each.condition and each.obligation == "MANDATORY" for each in restrictive)


def test_every_scenario_says_what_it_looks_for_and_what_follows(shipped: Catalogue):
    attached = {
        code: sorted({f"{each.code}<{each.when}" for each in scenario.measures if each.when})
        for code, scenario in shipped.scenarios.items()
    }
    assert all(scenario.predicates for scenario in shipped.scenarios.values())
    assert attached["S04"] == ["R-02<NOT_LISTED_DEBTOR", "R-02<NO_SERVICE_REFUSAL"]
    assert attached["S16"] == ["I-01<NO_ADVERSE_36M", "I-02<NO_ADVERSE_36M"]
    assert attached["S17"] == ["I-06<TAX_CREDIT_A", "R-12<NOT_LISTED_DEBTOR"]
    assert attached["S18"] == []


def test_only_orders_of_courts_and_bans_of_statutes_outlast_an_objection(shipped: Catalogue):
    standing = {
        (scenario.code, code)
        for scenario in shipped.scenarios.values()
        for attached in scenario.measures
        if attached.disputed == "HUMAN_VERIFICATION" and attached.when
        for code in scenario.predicate_by_code[attached.when].record_types
    }
    assert standing == {("S06", "P-GA-03"), ("S20", "P-FY-02")}


def test_guards_are_data(shipped: Catalogue):
    scenarios = shipped.scenarios.values()
    assert [each.code for each in scenarios if each.disclosure is Disclosure.PRESENCE] == ["S16"]
    assert [each.code for each in scenarios if each.adults_only] == ["S19"]
    assert [each.code for each in scenarios if each.related_persons] == ["S09", "S10", "S11", "S13"]
    assert {each.deadline_ms for each in scenarios} == {5_000}


def test_behaviours_cover_the_sixteen_key_areas(shipped: Catalogue):
    behaviours = shipped.behaviours.values()
    assert len(behaviours) >= 60
    assert {behaviour.area for behaviour in behaviours} >= KEY_AREAS
    named = {code for behaviour in behaviours for code in behaviour.record_types}
    unnamed = {
        entry.code
        for entry in shipped.record_types.values()
        if entry.can_be_adverse and entry.code not in named
    }
    assert unnamed == {"P-FY-02"}  # an order of the court, not a behaviour


def test_the_default_locality_is_the_strictest(shipped: Catalogue):
    default = shipped.localities["default"]
    assert (str(default.adverse_retention), default.clock_start, default.persons_public) == (
        "P5Y",
        "EARLIEST",
        "NEVER",
    )
    assert {code for code, each in shipped.localities.items() if each.assumed} == {
        "sn-610222",
        "jx-360426",
        "sc-510700",
        "gx-451100",
    }


def test_statutory_facts_are_exactly_the_fixed_list(shipped: Catalogue):
    marked = {
        f"{entry.code}.{field.name}"
        for entry in shipped.record_types.values()
        for field in entry.fields
        if field.statutory_fact
    }
    assert marked == STATUTORY_FACTS


def test_citizen_ids_are_never_public_except_as_their_source_publishes_them(shipped: Catalogue):
    for entry in shipped.record_types.values():
        for field in entry.fields:
            if field.type is FieldType.CITIZEN_ID and field.data_class is DataClass.PUBLIC:
                assert field.mask == "M_ID_COURT", entry.code


@pytest.mark.parametrize("kind", SubjectKind)
def test_subjects_and_keys_agree(shipped: Catalogue, kind: SubjectKind):
    key = KeyKind.CITIZEN_ID if kind is SubjectKind.NATURAL_PERSON else KeyKind.USCC
    assert shipped.of_kind(kind)
    assert all(key in entry.keys for entry in shipped.of_kind(kind))


def test_only_grade_a_of_the_tax_rating_is_public(shipped: Catalogue):
    assert shipped.record_types["E-SW-01"].clocks.publication.when == {"grade": ("A",)}


def test_one_name_for_one_concept(shipped: Catalogue):
    """Drafts of these names occur nowhere; a field that starts or ends a clock has the usual name."""
    names = {field.name for entry in shipped.record_types.values() for field in entry.fields}
    drafts = {
        "docNo",
        "decisionNo",
        "decidedOn",
        "legalRep",
        "regNo",
        "inOn",
        "outOn",
        "until",
        "fine",
        "state",
    }
    assert names.isdisjoint(drafts)
    for entry in shipped.record_types.values():
        removed = entry.field_by_role.get(Role.REMOVED_ON)
        assert removed is None or removed.name in {"removedOn", "liftedOn", "revokedOn"}, entry.code


def test_every_label_is_written_in_both_languages(shipped: Catalogue):
    for entry in shipped.record_types.values():
        for label in (entry.name, *(field.label for field in (*entry.fields, *entry.never_mapped))):
            assert any("一" <= character <= "鿿" for character in label.zh), entry.code
            assert label.en.isascii(), f"{entry.code}: {label.en}"
