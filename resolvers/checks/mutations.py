"""The acts of a must-check in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from catalogue.model import DataClass
from resolvers.checks.chunk import must_check_chunk
from resolvers.checks.chunk_types import CheckChunk
from resolvers.checks.manual import ManualCheckResult, record_manual_check
from resolvers.checks.must_check import must_check
from resolvers.checks.outcome import MeasureResult, OutcomeResult, advance_measure, report_outcome
from resolvers.checks.summary import add_check_summaries
from resolvers.checks.types import CheckResult
from resolvers.directives import classified
from resolvers.fields import bilingual


def check_mutations() -> Mapping[str, Any]:
    """Checks, one by one and in bulk, checks by hand, outcomes and measures."""
    return {
        "mustCheck": strawberry.mutation(
            resolver=must_check,
            graphql_type=CheckResult | None,
            description=bilingual(
                "应查必查：按场景核查一个主体，给出事实、判断项、法律所附措施和签名回执",
                "Check one subject for a scenario: facts, what a law attaches to them, and a signed receipt",
            ),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
        **_bulk_mutations(),
        "recordManualCheck": strawberry.mutation(
            resolver=record_manual_check,
            graphql_type=ManualCheckResult,
            description=bilingual(
                "登记人工核查：来源未应答的信息类型已由经办人向部门核查",
                "Record that what a check could not know was asked of the department by hand",
            ),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
        "reportOutcome": strawberry.mutation(
            resolver=report_outcome,
            graphql_type=OutcomeResult,
            description=bilingual(
                "登记办理结果：何人在核查后得出何结果、采取何措施",
                "Report what a named person concluded after a check, and the measures they took",
            ),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
        "advanceMeasure": strawberry.mutation(
            resolver=advance_measure,
            graphql_type=MeasureResult,
            description=bilingual("登记措施进展", "Report one step of a measure"),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
    }


def _bulk_mutations() -> Mapping[str, Any]:
    return {
        "mustCheckChunk": strawberry.mutation(
            resolver=must_check_chunk,
            graphql_type=CheckChunk | None,
            description=bilingual(
                "批量应查必查的一批：逐一核查、登记并告知；重发同一批不重复登记和计数",
                "A chunk of a bulk check: each subject checked, recorded and told; sent again it is neither "
                "recorded nor counted twice",
            ),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
        "addCheckSummaries": strawberry.mutation(
            resolver=add_check_summaries,
            graphql_type=str,
            description=bilingual(
                "合并同一批量任务的各批汇总", "Add summaries of one job up to one, signed as they are"
            ),
            directives=[classified(DataClass.AUTHORIZED)],
        ),
    }
