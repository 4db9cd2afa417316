"""What an officer declares with every read, so that a test is about something else (domain.md §4.6)."""

from typing import Any, Final

DECLARED: Final[dict[str, Any]] = {
    "reasonCode": "QUALIFICATION_REVIEW",
    "noConflictOfInterest": True,
    "repeatReason": "CASE_CONTINUED",
    "repeatNote": "同一办件继续办理",
}
