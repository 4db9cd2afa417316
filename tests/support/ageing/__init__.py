"""A county whose records grow old: every record type of the catalogue, behind a real server (GR-05)."""
