"""信用报告: a person makes a report on themself for one reader, and takes the PDF along."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from gateway.web.graph import Graph
from gateway.web.security import PageRefused
from gateway.web.visit import Visit
from resolvers.report.graph import DAYS, LONGEST_ADDRESSEE, MOST_DAYS

_PAGE: Final = "/report"
_REPORT: Final = """
query MyReport($for: String!, $days: Int!) { me { report(addressee: $for, days: $days) { number pdf } } }
"""
_PROBLEMS: Final = {"REPORT_TERMS": 422, "EXPORT_TOO_SOON": 429}


@dataclass(frozen=True, slots=True)
class ReportDesk:
    """The form, and the file that it leads to."""

    graph: Graph

    async def form(self, visit: Visit) -> Response:
        """GET /report: after a strong login, for whom and for how long."""
        visit.person(strong=True)
        return _form(visit)

    async def make(self, visit: Visit) -> Response:
        """POST /report: the PDF to keep."""
        sent = {name: values[0] for name, values in (await visit.form()).items()}
        person = visit.person(strong=True, then=_PAGE)
        reader, days = sent.get("reader", ""), sent.get("days", "")
        if not days.isascii() or not days.isdecimal() or len(days) > 3:
            raise PageRefused(400, "form_malformed")
        variables = {"for": reader, "days": int(days)}
        answer = await self.graph.ask(visit.request, person, _REPORT, variables)
        problem = next((code for code in _PROBLEMS if code in answer.codes), None)
        if problem:
            return _form(visit, _PROBLEMS[problem], reader=reader, days=int(days), problem=problem)
        report = answer.me["report"]
        file = Response(b64decode(report["pdf"]), media_type="application/pdf")
        file.headers["Content-Disposition"] = f'attachment; filename="{report["number"]}.pdf"'
        visit.desk.site.protect(file)
        return file


def _form(
    visit: Visit, status: int = 200, *, reader: str = "", days: int = DAYS, problem: str | None = None
) -> Response:
    return visit.show(
        "report.html",
        status,
        reader=reader,
        days=days,
        problem=problem,
        longest=LONGEST_ADDRESSEE,
        most_days=MOST_DAYS,
    )
