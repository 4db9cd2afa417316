"""How a store gets its tables: Alembic revisions, each in a file of `versions/`, and nothing else.

A change of a table is a change of its definition plus a new revision; a test compares both. No
revision is ever edited once it has been released.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

FIRST_TABLE: Final = "audit_leaf"
"""Stores made before there were revisions hold this table, and are taken as of the first."""
_VERSION_TABLE: Final = "alembic_version"


class State(StrEnum):
    """How a store stands to this program."""

    EMPTY = "EMPTY"
    CURRENT = "CURRENT"
    OUTDATED = "OUTDATED"
    UNKNOWN = "UNKNOWN"
    """Of a revision that this program does not know."""


def state(connection: Connection) -> State:
    """How the store behind a connection stands."""
    tables = set(inspect(connection).get_table_names())
    if _VERSION_TABLE not in tables:
        return State.OUTDATED if FIRST_TABLE in tables else State.EMPTY
    revision = revision_of(connection)
    script = ScriptDirectory.from_config(_config())
    if revision == script.get_current_head():
        return State.CURRENT
    known = {each.revision for each in script.walk_revisions()}
    return State.OUTDATED if revision in known else State.UNKNOWN


def revision_of(connection: Connection) -> str | None:
    """The revision of a store; None before the first."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()  # noqa: S608


def upgrade(connection: Connection) -> None:
    """Run the revisions that are missing, inside the transaction of the connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    # a percent sign in a path is no interpolation
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
