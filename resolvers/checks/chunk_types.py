"""The types of a bulk check in the graph."""

from __future__ import annotations

from typing import Annotated

import strawberry

from resolvers.access import AccessContext
from resolvers.checks.types import AUTHORIZED, CheckResult
from resolvers.fields import bilingual, described


@strawberry.input(
    description=bilingual(
        "批量核查的一行：自然人给出证件号和姓名，单位给出统一社会信用代码",
        "One row of a bulk check: a person's number and name, or an entity's code",
    )
)
class CheckRowInput:
    """Exactly one subject; no search and no listing exist."""

    line: int = strawberry.field(
        description=bilingual("文件行号，原样返回", "Line of the caller's file, answered as it is")
    )
    citizenId: str | None = strawberry.field(
        default=None,
        description=bilingual("公民身份号码（15 或 18 位）", "Citizen id, 15 or 18 digits"),
    )
    name: str | None = strawberry.field(
        default=None, description=bilingual("姓名", "Full name as registered; with `citizenId`")
    )
    uscc: str | None = strawberry.field(
        default=None, description=bilingual("统一社会信用代码", "Unified social credit code, instead")
    )


@strawberry.type(description=bilingual("未核查的一行", "Why a row was not checked"))
class CheckRowRefusal:
    """The others of the chunk stand."""

    code: str = described("代码", "Stable code, as in `extensions.code`")
    message: str = described("说明", "What to do")
    retryAfter: int | None = described(
        "多少秒后可单独重试；空为重试无益",
        "Seconds after which to send the row again in another chunk",
        AUTHORIZED,
    )


@strawberry.type(description=bilingual("批量核查的一行结果", "What came of one row"))
class CheckRow:
    """A check with its receipt, or why there is none."""

    line: int = described("文件行号", "Line of the caller's file", AUTHORIZED)
    check: CheckResult | None = described("核查结果", "The check, as of `mustCheck`", AUTHORIZED)
    refusal: CheckRowRefusal | None = described("未核查原因", "Why there is none")


@strawberry.type(description=bilingual("批量核查的一批", "One chunk of a bulk check"))
class CheckChunk:
    """In the order of its rows."""

    rows: list[CheckRow] = described("各行", "Rows", AUTHORIZED)
    summary: str = described(
        "本批汇总（紧凑 JWS），不含证件号和任何信息内容；各批汇总可合并",
        "Summary of the chunk, a compact JWS without ids and values; `addCheckSummaries` adds them up",
        AUTHORIZED,
    )


Job = Annotated[
    strawberry.ID,
    strawberry.argument(
        description=bilingual(
            "批量任务编号，由调用方给出：jb_ 加 32 个小写字母",
            "The caller's own id of the job: `jb_` and 32 letters",
        )
    ),
]
Number = Annotated[
    int,
    strawberry.argument(
        description=bilingual(
            "第几批；重发时不变", "Number of the chunk, from 1; the same when it is sent again"
        )
    ),
]
Rows = Annotated[
    list[CheckRowInput],
    strawberry.argument(description=bilingual("至多 100 行", "At most 100 rows")),
]
Access = Annotated[
    AccessContext, strawberry.argument(description=bilingual("查询依据", "Basis of the operation"))
]
