"""The bench's commands say what they do and what they are missing, and do not begin to measure for that."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bench import __main__ as bench
from bench import authorization, beside, report
from bench.rounds import CONTENDERS
from bench.workloads import WORKLOADS


def told(main: Callable[..., None], *arguments: str) -> tuple[int, str]:
    """Exit code, and what is said in one line without the frame."""
    app = typer.Typer()
    app.command()(main)
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


def test_help_measures_nothing_and_names_all_there_is() -> None:
    code, text = told(authorization.main, "--help")
    assert (code, "--rounds" in text) == (0, True)
    code, text = told(beside.main, "--help")
    assert (code, "--persons" in text) == (0, True)
    code, text = told(bench.main, "--help")
    assert code == 0
    assert all(f'"{name}"' in text for name in (*CONTENDERS, *WORKLOADS))


@pytest.mark.parametrize("option", ["--contender", "--workload"])
def test_an_unknown_name_is_told_with_the_known_ones(option: str) -> None:
    code, text = told(bench.main, option, "nobody")
    assert code == 1
    assert 'there is no "nobody"; there are "' in text
    assert ('"gateway, unbatched"' if option == "--contender" else '"100 KB"') in text


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("{", "not a run"), ("[]", "not a run")]
)
def test_a_run_that_cannot_be_read_is_told(tmp_path: Path, content: str | None, said: str) -> None:
    run = tmp_path / "run.json"
    if content is not None:
        run.write_text(content)
    code, text = told(report.main, str(run))
    assert (code, said in text) == (1, True)
