"""The acts of a must-check in the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from resolvers.checks.chunk import must_check_chunk
from resolvers.checks.chunk_types import CheckChunk
from resolvers.checks.manual import ManualCheckResult, record_manual_check
from resolvers.checks.must_check import must_check
from resolvers.checks.outcome import MeasureResult, OutcomeResult, advance_measure, report_outcome
from resolvers.checks.summary import add_check_summaries
from resolvers.checks.types import CheckResult
from resolvers.fields import mutation


def check_mutations() -> Mapping[str, Any]:
    """Checks, one by one and in bulk, checks by hand, outcomes and measures."""
    acts: dict[str, tuple[Callable[..., Any], Any, str, str]] = {
        "mustCheck": (
            must_check,
            CheckResult | None,
            "应查必查：按场景核查一个主体，给出事实、判断项、法律所附措施和签名回执",
            "Check one subject for a scenario: facts, what a law attaches to them, and a signed receipt",
        ),
        "mustCheckChunk": (
            must_check_chunk,
            CheckChunk | None,
            "批量应查必查的一批：逐一核查、登记并告知；重发同一批不重复登记和计数",
            "A chunk of a bulk check: each subject checked, recorded and told; sent again it is neither "
            "recorded nor counted twice",
        ),
        "addCheckSummaries": (
            add_check_summaries,
            str,
            "合并同一批量任务的各批汇总",
            "Add summaries of one job up to one, signed as they are",
        ),
        "recordManualCheck": (
            record_manual_check,
            ManualCheckResult,
            "登记人工核查：来源未应答的信息类型已由经办人向部门核查",
            "Record that what a check could not know was asked of the department by hand",
        ),
        "reportOutcome": (
            report_outcome,
            OutcomeResult,
            "登记办理结果：何人在核查后得出何结果、采取何措施",
            "Report what a named person concluded after a check, and the measures they took",
        ),
        "advanceMeasure": (advance_measure, MeasureResult, "登记措施进展", "Report one step of a measure"),
    }
    return {name: mutation(*told) for name, told in acts.items()}
