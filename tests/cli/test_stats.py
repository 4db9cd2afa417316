"""`credit-gateway stats` over a store that a gateway has used."""

from __future__ import annotations

import csv
import io

import orjson
from typer.testing import CliRunner, Result

from gateway.cli import app
from tests.cli.test_review import used
from tests.support.processes import Home

__all__ = ["used"]


def stats(home: Home, *words: str) -> Result:
    return CliRunner().invoke(app, ["stats", *words, "--config", str(home.config)])


def test_a_month_is_closed_once_and_printed_in_three_ways(used: Home) -> None:
    printed = stats(used, "--month", "2026-10", "--json")
    assert printed.exit_code == 0, printed.output
    rows = orjson.loads(printed.stdout)
    (reads,) = [row for row in rows if row["figure"] == "READS" and row["column"] == "S02" and row["row"]]
    assert (reads["month"], reads["columnName"], reads["value"], reads["withheld"]) == (
        "2026-10",
        "职称评定与职业资格认定",
        21,
        False,
    )
    table = stats(used, "--month", "2026-10", "--csv").stdout
    assert table.startswith("\ufeffmonth,figure,row,rowName,column,columnName,value,withheld")
    told = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"))))
    assert [row["value"] for row in told] == [str(row["value"] or "") for row in rows]
    assert "READS" in stats(used, "--month", "2026-10").stdout


def test_what_cannot_be_told_is_said_so(used: Home) -> None:
    for month, code in (
        ("2099-01", "MONTH_NOT_OVER"),
        ("2026-1", "MONTH_INVALID"),
        ("2020-01", "MONTH_EMPTY"),
    ):
        refused = stats(used, "--month", month)
        assert (refused.exit_code, code in refused.stderr) == (1, True)
