"""From physical rows to decoded records: keys, versions, duplicates, rejects, caps."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from catalogue.identifiers import KeyKind, SubjectKey
from catalogue.model import RecordType, Role
from catalogue.values import CHINA_TIME, PartialDate
from connectors.errors import ManifestError
from connectors.manifest import RecordSource
from connectors.pipeline import Pipeline
from connectors.protocol import Ask, Reject

PERSON = SubjectKey.person("990101198001010014")
OTHER = SubjectKey.person("990101197512310022")
COMPANY = SubjectKey.entity("91990100MA9TE00142")
NOW = datetime(2026, 1, 1, tzinfo=CHINA_TIME)
LABEL = {"zh": "测试", "en": "Test"}


def field(name, kind="string", **more):
    return {"name": name, "label": LABEL, "type": kind, "class": "A", **more}


TYPE = RecordType.model_validate(
    {
        "code": "P-TT-01", "name": LABEL, "graphqlType": "TestPenalty", "section": "penalties",
        "domain": "TEST", "department": "TT", "subjects": ["NATURAL_PERSON", "ENTERPRISE"],
        "keys": ["CITIZEN_ID", "USCC"], "class": "A", "nature": "ADVERSE", "clocks": {}, "legalBasis": ["L"],
        "fields": [
            field("documentNo"), field("reason", "text"), field("fine", "money"), field("kinds", "list"),
            field("public", "boolean"), field("count", "integer"),
            field("determinedOn", "date", role="determinedOn"), field("severity", "code", role="severity"),
        ],
    }
)  # fmt: skip

DOCUMENT = {"column": "wsh", "decode": ["trim", "documentNo"]}
STATUS = {"column": "zt", "decode": [{"codes": {"0": "ACTIVE", "1": "REVOKED", "2": "DISPUTED"}}]}
BOTH_KEYS = {"CITIZEN_ID": {"columns": ["shxym", "zjhm"]}, "USCC": {"columns": ["shxym"]}}
ALL = frozenset({"documentNo"})


def pipeline(**parts):
    source = {"table": "t", "keys": BOTH_KEYS, "fields": {"documentNo": DOCUMENT}, **parts}
    return Pipeline(TYPE, RecordSource.model_validate(source), {"sex": {"1": "男"}})


def ask(made, rows, *keys, fields=ALL, cap=100, cut=False):
    columns = made.columns(fields)
    cells = [[row.get(column) for column in columns] for row in rows]
    question = Ask("P-TT-01", fields, keys or (PERSON,))
    return made.answer(question, columns, cells, NOW, cap, cut)


def documents(answer, key=PERSON):
    return [row.values["documentNo"] for row in answer.rows[key]]


# Keys


@pytest.mark.parametrize(
    "written",
    [
        "990101198001010014",
        " 990101198001010014\t",
        "９９０１０１１９８００１０１００１４",
        "990101800101001",
    ],
)
def test_a_row_belongs_to_its_normalized_key(written):
    assert documents(ask(pipeline(), [{"zjhm": written, "wsh": "a"}])) == ["a"]


def test_a_number_column_holds_keys_too():
    assert documents(ask(pipeline(), [{"zjhm": 990101198001010014, "wsh": "a"}])) == ["a"]


def test_rows_of_nobody_asked_are_dropped_in_silence():
    rows = [{"zjhm": number, "wsh": "a"} for number in (OTHER.value, "无", "", None, "9.90101E+17")]
    answer = ask(pipeline(), rows, PERSON)
    assert answer.rows == {PERSON: ()}
    assert not answer.rejects


def test_each_asked_key_gets_its_own_rows_and_one_without_rows_is_present():
    rows = [{"zjhm": PERSON.value, "wsh": "a"}, {"shxym": COMPANY.value.lower(), "wsh": "b"}]
    answer = ask(pipeline(), rows, PERSON, OTHER, COMPANY)
    assert [documents(answer, key) for key in (PERSON, OTHER, COMPANY)] == [["a"], [], ["b"]]


def test_a_citizen_id_in_the_uscc_column_is_a_person_and_never_an_entity():
    rows = [{"shxym": PERSON.value, "wsh": "a"}]
    answer = ask(pipeline(), rows, PERSON, COMPANY)
    assert documents(answer) == ["a"]
    assert documents(answer, COMPANY) == []


def test_a_short_form_that_reads_as_a_citizen_id_is_a_person():
    taxpayer = "990101800101001"
    entity = SubjectKey(KeyKind.USCC, f"91{taxpayer}X")
    made = pipeline(keys={"USCC": {"columns": ["dm"], "forms": ["TAXPAYER_15"]}})
    assert ask(made, [{"dm": taxpayer, "wsh": "a"}], entity).rows == {entity: ()}


def test_a_row_that_names_two_subjects_is_rejected_for_the_asked_one():
    rows = [{"shxym": PERSON.value, "zjhm": OTHER.value, "wsh": "a"}]
    for keys in ((PERSON,), (OTHER,), (PERSON, OTHER)):
        answer = ask(pipeline(), rows, *keys)
        assert answer.rejects == {key: (Reject("KEY_CONFLICT"),) for key in keys}
        assert not any(answer.rows.values())
    same = [{"shxym": "990101800101001", "zjhm": PERSON.value, "wsh": "a"}]
    assert documents(ask(pipeline(), same)) == ["a"]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("ORGANIZATION_CODE", "ma9te001-4"),
        ("ORGANIZATION_CODE", "MA9TE0014"),
        ("TAXPAYER_15", "990100MA9TE0014"),
    ],
)
def test_short_forms_count_only_where_declared(form, written):
    rows = [{"dm": written, "wsh": "a"}]
    declared = pipeline(keys={"USCC": {"columns": ["dm"], "forms": ["NORMAL", form]}})
    assert documents(ask(declared, rows, COMPANY), COMPANY) == ["a"]
    undeclared = pipeline(keys={"USCC": {"columns": ["dm"]}})
    assert documents(ask(undeclared, rows, COMPANY), COMPANY) == []


def test_a_short_form_that_two_asked_entities_share_names_neither():
    twin = SubjectKey(KeyKind.USCC, "92" + COMPANY.value[2:])
    made = pipeline(keys={"USCC": {"columns": ["dm"], "forms": ["ORGANIZATION_CODE"]}})
    answer = ask(made, [{"dm": "MA9TE0014", "wsh": "a"}], COMPANY, twin)
    assert answer.rows == {COMPANY: (), twin: ()}


# Columns and values


def test_columns_are_the_fixed_ones_and_the_asked_ones():
    made = pipeline(
        fields={
            "documentNo": DOCUMENT,
            "reason": {"column": "sy"},
            "determinedOn": {"column": "jdrq", "decode": ["date"]},
        },
        controls={"status": STATUS},
        identity=["id"],
        version={"by": ["id"], "latest": "sjc"},
        dedupe=["documentNo"],
    )
    fixed = ("shxym", "zjhm", "id", "sjc", "jdrq", "zt", "wsh")
    assert made.columns(frozenset()) == fixed
    assert made.columns(frozenset({"reason", "documentNo"})) == (*fixed, "sy")


def test_only_asked_fields_are_output_and_controls_always():
    made = pipeline(
        fields={
            "documentNo": DOCUMENT,
            "reason": {"column": "sy"},
            "determinedOn": {"column": "jdrq", "decode": ["date"]},
        },
        controls={"status": STATUS, "severity": {"value": "GENERAL"}},
    )
    rows = [{"zjhm": PERSON.value, "wsh": "a", "sy": "s", "jdrq": "2025-12-1", "zt": "0"}]
    on = PartialDate.of(2025, 12, 1)
    (row,) = ask(made, rows, fields=frozenset({"reason"})).rows[PERSON]
    assert row.values == {"reason": "s"}
    assert row.controls == {Role.STATUS: "ACTIVE", Role.SEVERITY: "GENERAL", Role.DETERMINED_ON: on}
    (row,) = ask(made, rows, fields=frozenset({"determinedOn", "severity"})).rows[PERSON]
    assert row.values == {"determinedOn": on, "severity": None}


def test_a_control_of_the_manifest_wins_over_the_field_that_carries_the_role():
    made = pipeline(
        fields={"determinedOn": {"column": "shown", "decode": ["date"]}},
        controls={"determinedOn": {"column": "real", "decode": ["date"]}},
    )
    rows = [{"zjhm": PERSON.value, "shown": "2020", "real": "2021"}]
    (row,) = ask(made, rows, fields=frozenset({"determinedOn"})).rows[PERSON]
    assert str(row.values["determinedOn"]) == "2020"
    assert str(row.controls[Role.DETERMINED_ON]) == "2021"


def test_values_of_every_kind():
    made = pipeline(
        fields={
            "documentNo": {"column": "uid"},
            "reason": {"columns": ["first", "second"]},
            "fine": {"column": "fk", "decode": [{"money": {"unit": "万元"}}]},
            "kinds": {"column": "lb", "decode": ["split"]},
            "public": {"value": True},
            "count": {"column": "n", "decode": ["integer"]},
        }
    )
    row = {
        "zjhm": PERSON.value,
        "uid": UUID(int=1),
        "first": " ",
        "second": 7,
        "fk": "2",
        "lb": "a;b",
        "n": "3",
    }
    fields = frozenset({"documentNo", "reason", "fine", "kinds", "public", "count"})
    (found,) = ask(made, [row], fields=fields).rows[PERSON]
    assert found.values == {
        "documentNo": str(UUID(int=1)), "reason": "7", "fine": Decimal(20_000), "kinds": ("a", "b"),
        "public": True, "count": 3,
    }  # fmt: skip


def test_of_several_columns_the_first_that_decodes_stands():
    origin = {"columns": ["a", "b"], "decode": ["date"]}
    made = pipeline(fields={"determinedOn": origin})
    fields = frozenset({"determinedOn"})
    for first, second, expected in (("x", "2020", "2020"), (None, "2020", "2020"), ("2019", "x", "2019")):
        (row,) = ask(made, [{"zjhm": PERSON.value, "a": first, "b": second}], fields=fields).rows[PERSON]
        assert str(row.values["determinedOn"]) == expected
    answer = ask(made, [{"zjhm": PERSON.value, "a": "x", "b": None}], fields=fields)
    assert answer.rejects == {PERSON: (Reject("DATE_FORMAT", "a"),)}


# Rejects


def test_a_row_that_cannot_be_decoded_is_rejected_without_its_value():
    made = pipeline(fields={"fine": {"column": "fk", "decode": ["money"]}}, controls={"status": STATUS})
    rows = [
        {"zjhm": PERSON.value, "fk": "SECRET", "zt": "0"},
        {"zjhm": PERSON.value, "fk": "1", "zt": "SECRET"},
        {"zjhm": PERSON.value, "fk": "1", "zt": "0"},
        {"zjhm": OTHER.value, "fk": "SECRET", "zt": "0"},
    ]
    answer = ask(made, rows, fields=frozenset({"fine"}))
    assert answer.rejects == {PERSON: (Reject("MONEY", "fk"), Reject("CODE_UNKNOWN", "zt"))}
    assert len(answer.rows[PERSON]) == 1
    assert "SECRET" not in repr(answer)


@pytest.mark.parametrize(
    "word", ["ACTIVE", "DISPUTED", "REPAIRED", "REVOKED", "EXPIRED", "SEALED", "SUPERSEDED"]
)
def test_a_status_is_a_word_of_the_lifecycle(word):
    made = pipeline(controls={"status": {"column": "zt"}})
    (row,) = ask(made, [{"zjhm": PERSON.value, "zt": word}]).rows[PERSON]
    assert row.controls[Role.STATUS] == word
    answer = ask(made, [{"zjhm": PERSON.value, "zt": word.lower()}])
    assert answer.rejects == {PERSON: (Reject("WORD_UNKNOWN", "zt"),)}


def test_a_field_that_carries_a_closed_role_is_held_to_it():
    made = pipeline(fields={"severity": {"column": "dj"}})
    answer = ask(made, [{"zjhm": PERSON.value, "dj": "严重"}], fields=frozenset({"severity"}))
    assert answer.rejects == {PERSON: (Reject("WORD_UNKNOWN", "dj"),)}


def test_a_former_number_that_is_none_is_not_shown_as_the_number_of_a_citizen():
    wrong = SubjectKey(KeyKind.CITIZEN_ID, "990101198001010015")
    made = pipeline(fields={"reason": {"column": "zjhm", "decode": ["citizenId"]}})
    question = Ask("P-TT-01", frozenset({"reason"}), (PERSON, wrong), follow=True)
    rows = [(None, PERSON.value), (None, wrong.value)]
    answer = made.answer(question, ("shxym", "zjhm"), rows, NOW, 100)
    assert [row.values for row in answer.rows[PERSON]] == [{"reason": PERSON.value}]
    assert answer.rejects == {wrong: (Reject("CITIZEN_ID_CHECK_DIGIT", "zjhm"),)}


def test_a_column_of_another_kind_is_no_text():
    answer = ask(pipeline(), [{"zjhm": PERSON.value, "wsh": {"a": 1}}])
    assert answer.rejects == {PERSON: (Reject("NOT_TEXT", "wsh"),)}


# Versions and duplicates


def version(**row):
    return {"zjhm": PERSON.value, "zt": "0", **row}


def test_the_latest_version_stands_in_any_order_and_notation():
    made = pipeline(version={"by": ["id"], "latest": "sjc"}, controls={"status": STATUS})
    old, new = (
        version(id=1, wsh="old", sjc="20251202 010000"),
        version(id="1 ", wsh="new", sjc="2026-01-15 01:00:00"),
    )
    other = version(id=2, wsh="other", sjc=None)
    for rows in ([old, new, other], [new, old, other]):
        assert documents(ask(made, rows)) == ["new", "other"]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("20180601093000", "20180601093001"),
        ("2018-06-01 09:30:00.1", "2018-06-01 09:30:00.2"),
        ("20180601", "2018-06-02"),
        (datetime(2018, 6, 1, tzinfo=CHINA_TIME), datetime(2018, 6, 2, tzinfo=CHINA_TIME)),
        (1713801600000, 1713801600001),
        ("9", "10"),
        (Decimal("9"), 10),
        (b"\x00\x01", b"\x00\x02"),
        ("a", "b"),
        (None, "20180601"),
        ("", "1"),
    ],
)
def test_version_columns_of_every_kind_have_an_order(older, newer):
    made = pipeline(version={"by": ["id"], "latest": "sjc"})
    rows = [version(id=1, wsh="new", sjc=newer), version(id=1, wsh="old", sjc=older)]
    assert documents(ask(made, rows)) == ["new"]


def test_rows_without_a_version_key_stand_alone():
    made = pipeline(version={"by": ["id"], "latest": "sjc"})
    rows = [version(id=None, wsh="a", sjc=1), version(id="", wsh="b", sjc=2)]
    assert documents(ask(made, rows)) == ["a", "b"]


def test_an_older_version_does_not_come_back_when_the_latest_cannot_be_read():
    made = pipeline(version={"by": ["id"], "latest": "sjc"}, controls={"status": STATUS})
    answer = ask(made, [version(id=1, wsh="old", sjc=1), version(id=1, wsh="new", sjc=2, zt="?")])
    assert answer.rows[PERSON] == ()
    assert answer.rejects == {PERSON: (Reject("CODE_UNKNOWN", "zt"),)}


def test_a_withdrawal_as_a_new_row_stands_for_the_decision_in_every_spelling():
    made = pipeline(
        dedupe=["documentNo"], version={"by": ["id"], "latest": "sjc"}, controls={"status": STATUS}
    )
    rows = [
        version(id="a2", wsh="测市监罚（2025）9号", sjc="2026-01-15 01:00:00", zt="1"),
        version(id="a1", wsh="测市监罚[2025]9号", sjc="2025-12-02 01:00:00"),
    ]
    (row,) = ask(made, rows).rows[PERSON]
    assert row.controls[Role.STATUS] == "REVOKED"
    assert row.identity == "a2"


def test_duplicates_without_version_stand_by_updated_at_else_by_the_last_read():
    updated = {"status": STATUS, "updatedAt": {"column": "gx", "decode": ["instant"]}}
    rows = [
        version(wsh="（2025）9", gx="2026-01-02", sy="new"),
        version(wsh="[2025]9", gx="2026-01-01", sy="old"),
    ]
    fields = {"documentNo": DOCUMENT, "reason": {"column": "sy"}}
    asked = frozenset({"reason"})
    for controls, expected in ((updated, "new"), ({"status": STATUS}, "old")):
        made = pipeline(dedupe=["documentNo"], fields=fields, controls=controls)
        assert [row.values["reason"] for row in ask(made, rows, fields=asked).rows[PERSON]] == [expected]


def test_of_rows_of_one_moment_the_withdrawal_stands():
    made = pipeline(dedupe=["documentNo"], controls={"status": STATUS})
    for rows in ([version(wsh="a", zt="1"), version(wsh="a")], [version(wsh="a"), version(wsh="a", zt="1")]):
        (row,) = ask(made, rows).rows[PERSON]
        assert row.controls[Role.STATUS] == "REVOKED"
    answer = ask(made, [version(wsh="a", zt="?"), version(wsh="a")])
    assert answer.rows[PERSON] == ()
    assert answer.rejects


def test_duplicates_are_found_by_roles_and_only_within_a_subject():
    made = pipeline(dedupe=["documentNo", "determinedOn"],
                    controls={"determinedOn": {"column": "rq", "decode": ["date"]}})  # fmt: skip
    rows = [
        {"zjhm": PERSON.value, "wsh": "A 1", "rq": "20250101"},
        {"zjhm": PERSON.value, "wsh": "a1", "rq": "2025年1月1日"},
        {"zjhm": PERSON.value, "wsh": "a1", "rq": "2025年1月2日"},
        {"zjhm": OTHER.value, "wsh": "a1", "rq": "2025-1-1"},
    ]
    answer = ask(made, rows, PERSON, OTHER)
    assert len(answer.rows[PERSON]) == 2
    assert len(answer.rows[OTHER]) == 1


def test_rows_without_a_part_of_the_duplicate_key_stand_alone():
    made = pipeline(dedupe=["documentNo"])
    assert len(ask(made, [version(wsh=None), version(wsh="")]).rows[PERSON]) == 2


def test_a_row_whose_duplicate_key_cannot_be_read_is_rejected():
    made = pipeline(dedupe=["determinedOn"], controls={"determinedOn": {"column": "rq", "decode": ["date"]}})
    answer = ask(made, [version(rq="x")])
    assert answer.rejects == {PERSON: (Reject("DATE_FORMAT", "rq"),)}


# Identity, caps, manifests


def test_identity_is_declared_or_versioned_or_the_duplicate_key():
    rows = [version(id=7, seq=1, wsh="a", sjc=1)]
    (declared,) = ask(pipeline(identity=["id", "seq"]), rows).rows[PERSON]
    assert declared.identity == "7\x1f1"
    (versioned,) = ask(pipeline(version={"by": ["id"], "latest": "sjc"}), rows).rows[PERSON]
    assert versioned.identity == "7"
    spellings = [[version(wsh=text)] for text in ("（2025）9号", "[2025]9号")]
    first, second = (ask(pipeline(dedupe=["documentNo"]), rows).rows[PERSON][0] for rows in spellings)
    assert first.identity == second.identity
    assert PERSON.value not in first.identity


def test_the_last_resort_is_a_hash_that_does_not_depend_on_what_was_asked():
    made = pipeline(fields={"documentNo": DOCUMENT, "reason": {"column": "sy"}}, controls={"status": STATUS})
    rows = [version(wsh="a", sy="s"), version(wsh="b", sy="t"), version(zt="2")]
    some, more = (
        ask(made, rows, fields=frozenset(names)).rows[PERSON] for names in ([], ["documentNo", "reason"])
    )
    assert [row.identity for row in some] == [row.identity for row in more]
    assert len({row.identity for row in some}) == 3
    assert PERSON.value not in some[0].identity


def test_the_same_decision_on_two_subjects_has_two_identities():
    rows = [{"zjhm": key.value, "wsh": "a"} for key in (PERSON, OTHER)]
    answer = ask(pipeline(dedupe=["documentNo"]), rows, PERSON, OTHER)
    assert answer.rows[PERSON][0].identity != answer.rows[OTHER][0].identity


def test_the_cap_is_per_key_and_after_duplicates():
    made = pipeline(dedupe=["documentNo"])
    rows = [{"zjhm": PERSON.value, "wsh": text} for text in ("a", "a", "b")]
    rows += [{"zjhm": OTHER.value, "wsh": text} for text in ("c", "d", "e")]
    answer = ask(made, rows, PERSON, OTHER, cap=2)
    assert documents(answer) == ["a", "b"]
    assert documents(answer, OTHER) == ["c", "d"]
    assert answer.truncated == {OTHER}
    assert ask(made, rows, PERSON, OTHER, cut=True).truncated == {PERSON, OTHER}


@pytest.mark.parametrize(
    ("parts", "code", "where"),
    [
        ({"fields": {"colour": {"column": "a"}}}, "MANIFEST_FIELD", "fields.colour"),
        ({"fields": {"determinedOn": {"column": "a"}}}, "MANIFEST_FIELD_TYPE", "fields.determinedOn"),
        ({"fields": {"kinds": {"column": "a"}}}, "MANIFEST_FIELD_TYPE", "fields.kinds"),
        ({"fields": {"reason": {"column": "a", "decode": ["date"]}}}, "MANIFEST_FIELD_TYPE", "fields.reason"),
        ({"fields": {"count": {"value": "many"}}}, "MANIFEST_FIELD_TYPE", "fields.count"),
        ({"fields": {"count": {"value": True}}}, "MANIFEST_FIELD_TYPE", "fields.count"),
        ({"fields": {"fine": {"value": "x"}}}, "MANIFEST_FIELD_TYPE", "fields.fine"),
        ({"fields": {"determinedOn": {"value": "today"}}}, "MANIFEST_FIELD_TYPE", "fields.determinedOn"),
        ({"fields": {"reason": {"column": "a", "decode": ["trimm"]}}}, "MANIFEST_DECODER", "fields.reason"),
        (
            {"fields": {"reason": {"column": "a", "decode": [{"codes": "s"}]}}},
            "MANIFEST_DECODER",
            "fields.reason",
        ),
        ({"controls": {"status": {"value": "GONE"}}}, "MANIFEST_FIELD_TYPE", "controls.status"),
        ({"controls": {"until": {"column": "a"}}}, "MANIFEST_FIELD_TYPE", "controls.until"),
        ({"controls": {"validFrom": {"column": "a"}}}, "MANIFEST_FIELD_TYPE", "controls.validFrom"),
        ({"dedupe": ["reason"]}, "MANIFEST_DEDUPE", "dedupe"),
    ],
)
def test_a_manifest_that_cannot_work_is_refused_when_loaded(parts, code, where):
    with pytest.raises(ManifestError) as refused:
        pipeline(**parts)
    assert (refused.value.code, refused.value.where) == (code, f"P-TT-01.{where}")


def test_constants_are_of_the_fields_type():
    made = pipeline(
        fields={"determinedOn": {"value": "2020-05"}, "fine": {"value": "1.50"}, "kinds": {"value": "a"}}
    )
    names = frozenset({"determinedOn", "fine", "kinds"})
    (row,) = ask(made, [version()], fields=names).rows[PERSON]
    assert row.values == {"determinedOn": PartialDate.of(2020, 5), "fine": Decimal("1.50"), "kinds": ("a",)}


def test_code_tables_of_the_manifest_are_known():
    made = pipeline(fields={"reason": {"column": "xb", "decode": [{"codes": "sex"}]}})
    (row,) = ask(made, [version(xb="1")], fields=frozenset({"reason"})).rows[PERSON]
    assert row.values == {"reason": "男"}


def test_a_field_unknown_to_the_catalogue_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="colour"):
        pipeline().columns(frozenset({"colour"}))
