"""The public transparency report (GR-11): the same cells that the credit office has, for anyone.

`/transparency.json` here; the page that people read is in `gateway.web.transparency`.
"""

from __future__ import annotations

from typing import Final

from cachetools import LRUCache
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from authz.errors import AuthzError
from authz.statistics.book import Month, StatisticsBook
from catalogue.model import Label
from gateway.errors import RequestRefused, of_exception
from gateway.replies import JSON, json_response, refusal_response, request_id_of
from gateway.statistics import Names

PATH: Final = "/transparency.json"
_KEPT: Final = 24


class Transparency:
    """Closed months, as anyone may see them."""

    def __init__(self, book: StatisticsBook, names: Names) -> None:
        self._book = book
        self.names = names
        self._closed: LRUCache[str, Month] = LRUCache(_KEPT)

    async def find(self, wanted: str | None) -> tuple[Month | None, list[str]]:
        """The month, or the newest if none is named, and all there are; raises AuditUnavailable."""
        months = await self._book.months()
        month = wanted or next(iter(months), None)
        if month is None or month not in months:
            return None, months
        if month not in self._closed:  # what is closed never changes
            (self._closed[month],) = await self._book.told([month])
        return self._closed[month], months

    async def respond(self, request: Request) -> Response:
        """`GET /transparency.json?month=2026-10`: the newest month if none is named."""
        try:
            found, months = await self.find(request.query_params.get("month"))
        except AuthzError as fault:
            return refusal_response(RequestRefused(of_exception(fault)), request_id_of(request.scope))
        if found is None:
            raise HTTPException(404)
        cells = [
            {
                "figure": each.figure,
                "row": each.row,
                "rowName": _both(self.names.row(each)),
                "column": each.column,
                "columnName": _both(self.names.column(each)),
                "value": each.value,
            }
            for each in found.cells
        ]
        head = {"month": found.month, "closedAt": found.closed_at, "digest": found.digest}
        return json_response(head | {"months": months, "cells": cells}, 200, JSON)


def _both(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}
