"""Files that a department delivers into a folder: read in place, found through positions alone."""

from connectors.files.source import FileSource

__all__ = ["FileSource"]
