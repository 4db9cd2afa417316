"""The newest revision of the store's tables, by the files themselves."""

from __future__ import annotations

from pathlib import Path

from authz import migrations

HEAD = max(each.name[1:5] for each in Path(migrations.__file__).parent.glob("versions/r*.py"))
