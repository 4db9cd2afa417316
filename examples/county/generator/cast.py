"""The fixed cast: rows that documentation and tests rely on, written as data in `cast/<department>.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from .columns import Row
from .departments import Department
from .dirt import gbk

_FOLDER = Path(__file__).parent.parent / "cast"


class _Loader(yaml.SafeLoader):
    """YAML plus `!gbk text`: the bytes an old system wrote."""


def _gbk(loader: _Loader, node: yaml.ScalarNode) -> bytes:
    return gbk(str(loader.construct_scalar(node)))


_Loader.add_constructor("!gbk", _gbk)


def cast_rows(department: Department) -> Iterator[Row]:
    """Rows of the cast in this department, by table; a table or column the DDL lacks raises KeyError."""
    for table_name, rows in _script(department.NAME).items():
        table = department.metadata.tables[table_name]
        for row in rows:
            if unknown := row.keys() - table.columns.keys():
                raise KeyError(f"{department.NAME}.{table_name} has no {', '.join(sorted(unknown))}")
            yield table, dict(row)


@cache
def _script(name: str) -> dict[str, list[dict[str, object]]]:
    text = (_FOLDER / f"{name}.yaml").read_text("utf-8")
    script: dict[str, list[dict[str, object]]] = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    return script
