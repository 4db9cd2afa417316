"""Departments' HTTP services: one call per key and page, whatever the service calls an error."""

from connectors.rest.source import RestSource

__all__ = ["RestSource"]
