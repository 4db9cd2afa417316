"""The county of `tests/support/departments.py` for the guardrails too."""

from tests.support.departments import county_files, settled

__all__ = ["county_files", "settled"]
