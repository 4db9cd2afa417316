"""`me { report(addressee) }`: the whole of one's own records, for somebody to whom one shows them.

It is read as the export is, by the person and for the person; who it is for is printed across
it. It holds no score and no verdict, and says of each department that was silent that it was.
"""

from __future__ import annotations

import asyncio
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import strawberry
from strawberry.types.info import Info

from authz.ids import new_id
from authz.wording import holds_personal_number
from catalogue.model import DataClass
from catalogue.values import CHINA_TIME
from resolvers.context import Report, RequestContext
from resolvers.errors import BadArgument
from resolvers.export import everything, is_whole, spend
from resolvers.fields import bilingual, described
from resolvers.report.pdf import Cover, Terms, printed
from resolvers.scalars import Instant

FORMAT: Final = "urn:credit-subject-gateway:credit-report:1"
DAYS: Final = 30
MOST_DAYS: Final = 90
OWN: Final = "本报告由本人查询并提供。"
LONGEST_ADDRESSEE: Final = 60


@strawberry.type(description=bilingual("信用报告，供一个使用人", "A report on somebody, for one reader"))
class CreditReport:
    """A compact JWS (RFC 7515, ES256) over JSON, and the same as a PDF that has it attached."""

    number: str = described("报告编号", "Number of the report", DataClass.AUTHORIZED)
    issuedAt: Instant = described("出具时间", "When it was made", DataClass.AUTHORIZED)
    expiresAt: Instant = described("有效期至", "Until when it may be relied on", DataClass.AUTHORIZED)
    complete: bool = described(
        "是否所有已接入部门均已完整答复", "Whether every department that is connected answered in full"
    )
    jws: str = described("签名的报告（紧凑 JWS）", "Compact JWS over the JSON", DataClass.RESTRICTED)
    pdf: str = described(
        "PDF 文件（base64），附有签名的报告", "The PDF in base64, the JWS attached", DataClass.RESTRICTED
    )


async def my_report(
    self: Any,
    info: Info,
    addressee: Annotated[
        str, strawberry.argument(description=bilingual("提供给谁，印为水印", "For whom: printed across it"))
    ],
    days: Annotated[
        int, strawberry.argument(description=bilingual("有效天数，最多 90", "Days it holds, at most 90"))
    ] = DAYS,
) -> Any:
    """After a strong login; raises AccessDenied STEP_UP_REQUIRED or EXPORT_TOO_SOON, BadArgument."""
    context: RequestContext = info.context
    reader = _checked(addressee, days)
    now = datetime.now(CHINA_TIME)
    await spend(context, now)
    person, report = await everything(context.walk.schema, context)
    until, law = now + timedelta(days=days), "个人信息保护法第45条"
    return await issued(context, Terms(reader, now, until, OWN, law), person, report)


async def issued(
    context: RequestContext, terms: Terms, subject: Mapping[str, Any], report: Report, **told: str
) -> CreditReport:
    """The report on what was read, signed and printed; `told` stands in it beside its terms."""
    context.report.sources.extend(report.sources)
    number, complete = new_id("rp"), is_whole(subject)
    content = {
        "format": FORMAT,
        "jti": number,
        "iat": int(terms.issued.timestamp()),
        "exp": int(terms.expires.timestamp()),
        "addressee": terms.reader,
        "complete": complete,
        "catalogueVersion": context.services.catalogue.version,
        "legalBasis": [terms.law],
        "person": subject,
        **told,
        **report.as_extensions(),
    }
    jws = context.services.signer.report(content)
    cover = Cover(number, terms, complete=complete)
    # a large one takes tenths of a second, which nobody else should wait for
    pdf = await asyncio.to_thread(printed, cover, subject, context.services.catalogue, jws)
    return CreditReport(
        number=number,
        issuedAt=Instant(terms.issued),
        expiresAt=Instant(terms.expires),
        complete=complete,
        jws=jws,
        pdf=b64encode(pdf).decode(),
    )


def _checked(addressee: str, days: int) -> str:
    reader = unicodedata.normalize("NFC", addressee).strip()
    if not 2 <= len(reader) <= LONGEST_ADDRESSEE or not reader.isprintable():
        raise BadArgument("REPORT_TERMS", f"Name a reader in 2 to {LONGEST_ADDRESSEE} characters.")
    if holds_personal_number(reader):
        raise BadArgument("REPORT_TERMS", "Name the reader without any number of a person.")
    if not 1 <= days <= MOST_DAYS:
        raise BadArgument("REPORT_TERMS", f"`days` must be from 1 to {MOST_DAYS}.")
    return reader
