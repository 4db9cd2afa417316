"""The rows: of every record type one for each status and date that a clock turns on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Final

from catalogue.identifiers import SubjectKey
from catalogue.loader import load_catalogue
from catalogue.model import Catalogue, FieldType, Label, Nature, RecordField, RecordType, Relevance, Role

FIRST, LAST = date(2018, 1, 1), date(2028, 12, 31)
START: Final = "2018-05-16"
ODD_STARTS: Final = (
    "2020-02-29",  # a leap day
    "2018-12-31",  # the end of a year
    "2018-11-30",  # three months later there is no such day
    "2019-10-01",  # a public holiday
    "2019-10-12",  # a Saturday on which offices work
)
WHOLE: Final = "S99"
ADULT: Final = SubjectKey.person("990101198001010014")
LEAPLING: Final = SubjectKey.person("990101200002290046")
"""Of age since 2018-03-01: the last of February was the birthday itself."""
LONELY: Final = SubjectKey.person("990101198001010030")
"""One adverse record of each type, so that each can be the one that a check turns on."""
COMPANY, LONELY_COMPANY, BUSINESS, CHARITY, INSTITUTE = map(
    SubjectKey.entity,
    (
        "91990100MA9TE00142",
        "93990100NA9TE00626",
        "92990100MA9TE00732",
        "51990100MJ9TE0033M",
        "12990100MB9TE0026G",
    ),
)
SUBJECTS: Final = {
    ADULT: "测试甲",
    LEAPLING: "闰日样例",
    LONELY: "独件样例",
    COMPANY: "测试有限公司",
    LONELY_COMPANY: "独件合作社",
    BUSINESS: "样例小店",
    CHARITY: "样例协会",
    INSTITUTE: "样例事业单位",
}
IDENTITY: Final = {
    "NATURAL_PERSON": "P-GA-01",
    "ENTERPRISE": "E-SC-01",
    "SOCIAL_ORGANIZATION": "E-MZ-01",
    "PUBLIC_INSTITUTION": "E-BZ-01",
}
ODD: Final = (LEAPLING, BUSINESS)
"""Of whose records one has a status that nobody knows, which no gateway can read."""
REVOKED: Final = {"status": "REVOKED"}
BREACH: Final = {FieldType.INTEGER: "3", FieldType.DATE: START}
"""What a field holds that makes a mixed record adverse."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One row of a department: the roles that clocks look at, and the few fields that matter to them."""

    id: str
    entry: RecordType
    subject: SubjectKey
    roles: Mapping[Role, str]
    values: Mapping[str, str] = field(default_factory=dict)
    adverse: bool = True


@cache
def catalogue() -> Catalogue:
    """As delivered, but its scenarios were renewed throughout the years of the test (GR-12).

    One more looks at every type, which no lint would let pass: one question then stands for twenty.
    """
    shipped = load_catalogue()
    throughout = {"valid_from": FIRST, "valid_until": LAST}
    scenarios = {code: one.model_copy(update=throughout) for code, one in shipped.scenarios.items()}
    everything = [
        Relevance(record_type=code, reason=Label(zh="全部", en="All")) for code in shipped.record_types
    ]
    whole = {"code": WHOLE, "relevance": tuple(everything), "predicates": (), "measures": ()}
    scenarios[WHOLE] = scenarios["S11"].model_copy(update=whole)
    return shipped.model_copy(update={"scenarios": scenarios})


def types_of(key: SubjectKey) -> list[RecordType]:
    """Record types with a source that such a subject can have."""
    return [entry for entry in catalogue().of_kind(key.subject_kind) if entry.pointer is None]


def flag_of(entry: RecordType) -> RecordField | None:
    """The field that makes a mixed record adverse, in this county."""
    return entry.field_by_name[entry.adverse_when[0]] if entry.adverse_when else None


def roles_of(entry: RecordType) -> frozenset[Role]:
    """Roles that the catalogue lets a source map."""
    return frozenset({*entry.field_by_role, *entry.controls})


@cache
def samples() -> tuple[Sample, ...]:
    """Every row of the county."""
    found = []
    for key in SUBJECTS:
        for entry in types_of(key):
            rows = _lonely(entry) if key in (LONELY, LONELY_COMPANY) else _rows(entry, key)
            for number, (roles, values, adverse) in enumerate(_distinct(rows)):
                found.append(Sample(f"{entry.code}.{key.value}.{number}", entry, key, roles, values, adverse))
    return tuple(found)


_Row = tuple[dict[Role, str], dict[str, str], bool]


def _distinct(rows: Iterable[_Row]) -> Iterator[_Row]:
    seen = set()
    for row in rows:
        mark = repr((sorted(row[0].items()), sorted(row[1].items()), row[2]))
        if mark not in seen:
            seen.add(mark)
            yield row


def _row(entry: RecordType, adverse: bool, severity: str | None, **changes: str | None) -> _Row:
    """One row; of the changes those that the type knows a role for."""
    known = roles_of(entry)
    roles: dict[Role, str | None] = {Role.STATUS: "ACTIVE"}
    starts = [role for role in entry.clocks.starts_on if role in known] or [Role.DETERMINED_ON]
    roles[starts[0]] = START
    if adverse:
        roles[Role.SEVERITY] = severity
    roles |= {Role(name): value for name, value in changes.items() if name != "start"}
    if "start" in changes:
        roles |= dict.fromkeys(entry.clocks.starts_on) | {starts[0]: changes["start"]}
    values: dict[str, str] = {}
    flag = flag_of(entry)
    if flag and adverse:
        values[flag.name] = BREACH.get(flag.type, "违规样例")
    return {role: value for role, value in roles.items() if role in known and value}, values, adverse


def _lonely(entry: RecordType) -> Iterator[_Row]:
    gravest = entry.severities[-1] if entry.severities else None
    yield _row(entry, entry.can_be_adverse, gravest)


def _rows(entry: RecordType, key: SubjectKey) -> Iterator[_Row]:
    adverse = entry.can_be_adverse
    severities: Sequence[str | None] = entry.severities or (None,)
    worst = severities[-1]
    yield from (_row(entry, adverse, one) for one in (*severities, None))
    for number, start in enumerate((*ODD_STARTS, "2019-05", "2019")):
        yield _row(entry, adverse, severities[number % len(severities)], start=start)
    yield from (_row(entry, adverse, worst, **changes) for changes in _changes())
    if adverse and entry.nature is not Nature.ADVERSE:
        yield from (_row(entry, False, None, **one) for one in ({}, {"validUntil": "2020-01-31"}, REVOKED))
    yield from _valued(entry, worst)
    if key in ODD and entry.code not in IDENTITY.values():
        yield _row(entry, adverse, worst, status="正常")
    if key == LEAPLING:
        for day in ("2018-02-28", "2018-03-01", "2020-02-28", "2020-02-29", "2020-03-01"):
            yield _row(entry, adverse, worst, start=day)
            yield _row(entry, adverse, worst, start="2020-05-16", occurredOn=day)


def _valued(entry: RecordType, severity: str | None) -> Iterator[_Row]:
    """Rows of which a field says that they are no breach, or whether the law publishes them."""
    for name, kept in entry.adverse_unless.items():
        for value in kept:
            roles, values, _ = _row(entry, True, None)
            yield roles, {**values, name: str(value)}, False
    for name in entry.clocks.publication.when:
        if name in entry.field_by_name:
            yes_no = entry.field_by_name[name].type is FieldType.BOOLEAN
            for text in ("是", "否") if yes_no else ("A", "B"):
                roles, values, adverse = _row(entry, entry.can_be_adverse, severity)
                yield roles, {**values, name: text}, adverse


def _changes() -> Iterator[dict[str, str | None]]:
    for status in ("REPAIRED", "REVOKED", "EXPIRED", "SEALED", "SUPERSEDED", "DISPUTED"):
        yield {"status": status}
    yield {"repairState": "REPAIRED"}
    yield {"repairState": "APPLIED"}
    yield {"repairedOn": "2018-06-01"}
    yield {"procedure": "SIMPLE"}
    yield {"appeal": "OPEN"}
    yield {"appeal": "CLOSED"}
    yield {"start": None}
    yield {"start": "长期"}
    yield {"until": "2018-07-16"}
    yield {"until": "2018-08"}  # the earliest day that it can mean
    yield {"until": "2099-12-31"}
    yield {"removedOn": "2018-06-25"}
    yield {"removedOn": "2024-02-29"}  # later than it would have been kept
    yield {"validUntil": "2018-09-30"}
    yield {"endedOn": "2018-12-02"}
    yield {"endedOn": "2018-03-02"}
    yield {"publishedOn": "2018-06-05"}
    yield {"publishedOn": "2018-06"}
    yield {"occurredOn": "1998-01-01"}  # the eighteenth birthday
    yield {"occurredOn": "1998-01-02"}
