"""Departments' SQL databases: one compiled statement per question, fetched on the driver's own connection."""

from connectors.sql.source import SqlSource

__all__ = ["SqlSource"]
