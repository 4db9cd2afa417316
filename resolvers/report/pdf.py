"""The report on paper: every section with its state, every record with its fields, and whom it is for.

The signed JSON is attached to the file (ISO 32000-1 §7.11.4); it is what can be verified, the pages are for
eyes. Text is set in the song face that every reader has for Chinese, so no font is shipped; a character
outside its repertoire is printed as 〓.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from pypdf import PdfReader, PdfWriter
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from catalogue.model import Catalogue, FieldType, RecordType

ATTACHMENT: Final = "credit-report.jws"
_NAME: Final = "公共信用信息报告"
_FACE: Final = "STSong-Light"
_GREY, _INK, _PALE, _RULE = HexColor("#666666"), HexColor("#1a1a1a"), HexColor("#e4e4e4"), HexColor("#cccccc")
_TITLE: Final = ParagraphStyle("title", fontName=_FACE, fontSize=18, leading=26, alignment=1, wordWrap="CJK")
_DOMAIN: Final = ParagraphStyle(
    "domain", fontName=_FACE, fontSize=13, leading=20, spaceBefore=10, wordWrap="CJK", keepWithNext=1
)
_SECTION: Final = ParagraphStyle(
    "section", fontName=_FACE, fontSize=10.5, leading=16, spaceBefore=5, wordWrap="CJK", keepWithNext=1
)
_EMPTY: Final = ParagraphStyle("empty", parent=_SECTION, keepWithNext=0)
_TEXT: Final = ParagraphStyle(
    "text", fontName=_FACE, fontSize=9.5, leading=14, textColor=_INK, wordWrap="CJK"
)
_NOTE: Final = ParagraphStyle("note", parent=_TEXT, fontSize=8.5, leading=13, textColor=_GREY)
_STATES: Final = {
    "OK": "已应答",
    "PARTIAL": "部分应答，有记录未能列出",
    "TIMEOUT": "超时未应答，不代表无记录",
    "UNAVAILABLE": "未应答，不代表无记录",
    "BUSY": "繁忙未应答，不代表无记录",
    "NOT_CONNECTED": "本地未接入",
    "DENIED": "不予提供",
}
_COMMON: Final = {
    "occurredOn": "发生日期",
    "determinedOn": "认定日期",
    "publishUntil": "公示截止",
    "retentionUntil": "查询截止",
    "subjectStatement": "本人声明",
}
_NATURES: Final = {"GOOD": "守信", "ADVERSE": "失信", "BASIC": "基础", "NEUTRAL": "中性"}


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom a report is, until when, and by what right."""

    reader: str
    issued: datetime
    expires: datetime
    said: str
    """Who asked for it, in a sentence of the first page."""
    law: str


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page, and across every one."""

    number: str
    terms: Terms
    complete: bool


def printed(cover: Cover, subject: Mapping[str, Any], catalogue: Catalogue, jws: str) -> bytes:
    """The PDF with the signed report attached."""
    registerFont(UnicodeCIDFont(_FACE))
    pages = BytesIO()
    document = SimpleDocTemplate(
        pages,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=18 * mm,
        bottomMargin=20 * mm,
        title=_NAME,
        author="credit-subject gateway",
        subject=cover.number,
    )
    decorate = partial(_decorate, cover)
    document.build([*_first_page(cover, subject), *_body(subject, catalogue)], decorate, decorate)
    pages.seek(0)
    whole = PdfWriter(clone_from=PdfReader(pages))
    whole.add_attachment(ATTACHMENT, jws.encode())
    out = BytesIO()
    whole.write(out)
    return out.getvalue()


def attached(pdf: bytes) -> str | None:
    """The signed report that a PDF carries; None for one that carries none. Raises PdfReadError."""
    found = PdfReader(BytesIO(pdf)).attachments.get(ATTACHMENT, [])
    return found[0].decode("ascii") if len(found) == 1 else None


def _first_page(cover: Cover, subject: Mapping[str, Any]) -> Iterator[Flowable]:
    terms = cover.terms
    yield Paragraph(_NAME, _TITLE)
    yield Spacer(1, 4 * mm)
    rows = [
        ("主体", subject["displayName"] or ""),
        ("报告编号", cover.number),
        ("提供对象", terms.reader),
        ("出具时间", f"{terms.issued:%Y-%m-%d %H:%M}（北京时间）"),
        ("有效期至", f"{terms.expires:%Y-%m-%d %H:%M}"),
        ("完整性", "所有已接入部门均已完整答复" if cover.complete else "有部门未完整答复，见各项说明"),
    ]
    yield _table(rows)
    yield Spacer(1, 3 * mm)
    yield _paragraph(
        f"{terms.said}内容由各部门实时提供，以来源部门为准；本报告不含评分、等级或结论。"
        "真伪以附件中的签名数据为准：credit-gateway report verify 或任何支持 RFC 7515 的工具均可核验。",
        _NOTE,
    )


def _body(subject: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Flowable]:
    """Every domain and section that was read, in the catalogue's order."""
    for domain in catalogue.domains.values():
        sections = subject.get(domain.field, {})
        if sections:
            yield _paragraph(domain.name.zh, _DOMAIN)
        for entry in catalogue.record_types.values():
            if entry.domain == domain.code and entry.section in sections:
                yield from _section(sections[entry.section], entry, catalogue)


def _section(section: Mapping[str, Any], entry: RecordType, catalogue: Catalogue) -> Iterator[Flowable]:
    records = section["records"]
    told = _STATES[section["state"]]
    if section["state"] == "OK":
        told = f"{len(records)} 条" if records else "有记录" if section["present"] else "无记录"
    department = catalogue.departments[entry.department].name.zh
    yield _paragraph(f"{entry.name.zh}（{department}）：{told}", _SECTION if records else _EMPTY)
    for record in records or ():
        yield _table(list(_lines(record, entry)))
        yield Spacer(1, 2 * mm)


def _lines(record: Mapping[str, Any], entry: RecordType) -> Iterator[tuple[str, str]]:
    yield "信息性质", _NATURES[record["nature"]]
    for field in entry.fields:
        value = record.get(field.name)
        if value is not None and value != []:
            yield field.label.zh, _shown(value, field.type)
    for name, label in _COMMON.items():
        if record.get(name):
            yield label, _shown(record[name], FieldType.STRING)
    if record["dispute"]:
        yield "异议", "异议处理中，不得作为不利依据"


def _shown(value: object, kind: FieldType) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(map(str, value))
    return "长期" if value == ".." else str(value)


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    cells = [[_paragraph(label, _NOTE), _paragraph(value, _TEXT)] for label, value in rows]
    table = Table(cells, colWidths=[36 * mm, 134 * mm])
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.25, _RULE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_printable(text)), style)


def _printable(text: str) -> str:
    """The text in the face's repertoire; what lies beyond it is marked, and whole in the attachment."""
    return "".join(each if ord(each) <= 0xFFFF else "〓" for each in text)


def _decorate(cover: Cover, canvas: Canvas, document: SimpleDocTemplate) -> None:
    width, height = A4
    canvas.saveState()
    canvas.setFillColor(_PALE)
    canvas.setFont(_FACE, 20)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(35)
    terms = cover.terms
    mark = _printable(f"仅供 {terms.reader} 使用  {terms.issued:%Y-%m-%d}")
    for row in (-220, 0, 220):
        canvas.drawCentredString(0, row, mark)
    canvas.restoreState()
    canvas.saveState()
    canvas.setFillColor(_GREY)
    canvas.setFont(_FACE, 8)
    canvas.drawString(20 * mm, 12 * mm, f"{cover.number}  有效期至 {terms.expires:%Y-%m-%d}")
    canvas.drawRightString(width - 20 * mm, 12 * mm, f"第 {document.page} 页")
    canvas.restoreState()
