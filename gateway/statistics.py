"""Monthly figures for people: every code with its name, as rows for CSV, JSON and pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from authz.cases.states import Kind
from authz.clients import ClientRegister
from authz.statistics.figures import ANONYMOUS, OFFICE, OVER_QUOTA, PERCENT, RECORDS, Figure, Told
from authz.statistics.suppression import TOTAL
from catalogue.model import Catalogue, Label
from connectors.protocol import Source

_BY_ORGANIZATION: Final = frozenset(
    {Figure.READS, Figure.DENIALS, Figure.CHECKED, Figure.UNCHECKED, Figure.CHECK_RATE}
)
_BY_DEPARTMENT: Final = frozenset({Figure.CASES_FILED, Figure.CASES_CLOSED, Figure.CASE_DAYS})
_WORDS: Final[Mapping[str, Label]] = {
    TOTAL: Label(zh="合计", en="Total"),
    ANONYMOUS: Label(zh="匿名", en="Nobody known"),
    OVER_QUOTA: Label(zh="超出限额", en="Beyond a quota"),
    "PERSON": Label(zh="本人", en="Persons about themselves"),
    OFFICE: Label(zh="信用办、审计", en="Credit office and auditors"),
    PERCENT: Label(zh="百分数", en="Percent"),
    RECORDS: Label(zh="查询次数", en="Reads"),
    Kind.OBJECTION: Label(zh="异议", en="Objections"),
    Kind.REPAIR: Label(zh="信用修复", en="Repairs"),
    Kind.STATEMENT: Label(zh="本人声明", en="Statements"),
    Kind.COMPLAINT: Label(zh="投诉", en="Complaints"),
}


class Names:
    """What the codes of rows and columns are called in this deployment."""

    def __init__(self, catalogue: Catalogue, clients: ClientRegister, sources: Mapping[str, Source]) -> None:
        self._organizations = {
            client.organization: Label(zh=client.organization_name, en=client.organization_name)
            for client in clients.clients.values()
        }
        self._departments = {code: each.name for code, each in catalogue.departments.items()}
        self._record_types = {code: each.name for code, each in catalogue.record_types.items()}
        self._scenarios = {code: each.name for code, each in catalogue.scenarios.items()}
        self._systems = {name: source.system for name, source in sources.items()}

    def row(self, told: Told) -> Label:
        """The name of the cell's row; its code where it has none."""
        if told.figure in _BY_ORGANIZATION:
            return self._of(told.row, self._organizations)
        if told.figure in _BY_DEPARTMENT:
            return self._of(told.row, self._departments)
        return self._of(told.row, self._systems if told.figure is Figure.AVAILABILITY else self._record_types)

    def column(self, told: Told) -> Label:
        """The name of the cell's column; its code where it has none."""
        return self._of(told.column, self._scenarios)

    def _of(self, code: str, names: Mapping[str, Label]) -> Label:
        return _WORDS.get(code) or names.get(code) or Label(zh=code, en=code)
