import ast
from pathlib import Path

import pytest
from graphql import GraphQLError

from authz.errors import AuditUnavailable, AuthzError, SubjectNotConfirmed
from catalogue.identifiers import IdentifierError, IdentifierFault, KeyKind
from connectors import errors as sources
from gateway.errors import ERRORS, RequestRefused, Stage, coded, formatted, of_exception

REPOSITORY = Path(__file__).resolve().parents[2]
RAISING = {"AuthzError", "Unauthenticated", "AccessDenied", "Fault", "coded", "because"}


def written_codes() -> dict[str, str]:
    """Every code that the packages raise, with the file it stands in."""
    found = {}
    for package in ("authz", "resolvers", "gateway"):
        for path in (REPOSITORY / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                first = node.args[0]
                if name in RAISING and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = str(path.relative_to(REPOSITORY))
    return found


def test_every_code_that_is_raised_is_in_the_table():
    codes = written_codes()
    assert {"BAD_REQUEST", "SOURCE_NOT_CONNECTED", "TOKEN_EXPIRED", "SCENARIO_NOT_MANDATED"} <= codes.keys()
    assert {code: path for code, path in codes.items() if code not in ERRORS} == {}


def test_every_source_error_is_in_the_table():
    kinds = [kind for kind in vars(sources).values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, sources.SourceError)}
    assert codes <= ERRORS.keys()
    assert len(codes) == 7


def test_the_documentation_is_the_table():
    text = (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = [line.strip("| \n") for line in text.splitlines() if line.startswith("| `")]
    documented = [tuple(cell.strip() for cell in row.split(" | ")) for row in rows]
    expected = [
        (f"`{row.code}`", str(row.status), row.meaning, row.remedy)
        for stage in Stage
        for row in ERRORS.values()
        if row.stage is stage
    ]
    assert documented == expected


def test_every_row_says_what_to_do_and_has_a_status_of_its_stage():
    for row in ERRORS.values():
        assert row.meaning.endswith(".")
        assert row.remedy.endswith(".")
        assert row.status >= 500 if row.stage in (Stage.SOURCE, Stage.SERVER) else 400 <= row.status < 600


@pytest.mark.parametrize(
    ("fault", "extensions"),
    [
        (sources.SourceTimeout("court"), {"code": "SOURCE_TIMEOUT", "source": "court", "retryable": True}),
        (sources.SourceDrift("court"), {"code": "SOURCE_DRIFT", "source": "court", "retryable": False}),
        (sources.ConnectionDied("tax"), {"code": "SOURCE_UNAVAILABLE", "source": "tax", "retryable": True}),
        (SubjectNotConfirmed(), {"code": "SUBJECT_NOT_CONFIRMED"}),
        (AuditUnavailable(), {"code": "AUDIT_UNAVAILABLE"}),
        (
            IdentifierError(KeyKind.CITIZEN_ID, IdentifierFault.CHECK_DIGIT),
            {"code": "IDENTIFIER_INVALID", "kind": "CITIZEN_ID", "fault": "CHECK_DIGIT"},
        ),
        (RequestRefused.because("BAD_REQUEST"), {"code": "BAD_REQUEST"}),
    ],
)
def test_planned_exceptions_keep_their_code(fault, extensions):
    assert formatted(of_exception(fault), "request-1")["extensions"] == extensions


@pytest.mark.parametrize(
    "fault",
    [
        RuntimeError("SELECT name FROM people WHERE id = '990101198001010014'"),
        KeyError("张伟"),
        AuthzError("NOT_IN_THE_TABLE", "张伟"),
        GraphQLError("Int cannot represent non-integer value: 张伟"),
        GraphQLError("x", extensions={"code": "MADE_UP", "name": "张伟"}),
        GraphQLError("wrapped", original_error=GraphQLError("again", original_error=ValueError("张伟"))),
    ],
)
def test_everything_else_is_internal_with_the_request_id_and_no_text(fault):
    error = formatted(of_exception(fault), "request-1")
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "request-1"}
    assert error["message"] == ERRORS["INTERNAL"].message


def test_an_error_keeps_its_place_through_the_mapping():
    raised = GraphQLError("text", path=["person", "penalties", 0], original_error=sources.SourceBusy("tax"))
    error = formatted(raised, "r")
    assert error["path"] == ["person", "penalties", 0]
    assert error["extensions"]["code"] == "SOURCE_BUSY"


def test_messages_are_scrubbed_whoever_wrote_them():
    error = formatted(coded("BAD_REQUEST", "about 990101198001010014, call 13800138000"), "r")
    assert "990101198001010014" not in error["message"]
    assert "13800138000" not in error["message"]


def test_a_code_outside_the_table_cannot_be_made():
    with pytest.raises(KeyError):
        coded("MADE_UP")
