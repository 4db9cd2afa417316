"""Why authorization refused. `code` goes to the client; the message says what to do next.

AuthzError
├── Unauthenticated        the token is missing, unsigned, expired, foreign, of another audience
├── AccessDenied           no grant: not mandated, no case number, wrong actor
│   ├── ClientLocked       too many failed confirmations, or ids in sequence
│   └── QuotaExceeded      the client's quota is used up
├── SubjectNotConfirmed    unknown, mismatched and ambiguous are one answer (ruling 3)
├── AuditUnavailable       the audit log cannot be written, so there is no answer
└── StoreUnavailable       what must not happen twice, or no more, cannot be looked up

ConfigurationError         keys, clients or mandates that cannot be used; raised at start-up only

No message ever holds a token, an identifier or a name.
"""

from __future__ import annotations


class AuthzError(Exception):
    """A refusal with a stable code and a message a person can act on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Unauthenticated(AuthzError):
    """The token, or what came with it, does not identify anyone."""


class AccessDenied(AuthzError):
    """The actor has no grant for this operation."""


class Throttled(AccessDenied):
    """Not now, whoever it is about; `retry_after` is in seconds, None where waiting does not help."""

    def __init__(self, code: str, message: str, retry_after: int | None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class QuotaExceeded(Throttled):
    """The client's quota is used up."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "QUOTA_EXCEEDED",
            "The client's quota is used up. Wait, or ask the credit office for a larger one.",
            retry_after,
        )


class ClientLocked(Throttled):
    """The client or its operator may not read for now; says nothing about any subject."""

    def __init__(self, retry_after: int | None) -> None:
        super().__init__(
            "CLIENT_LOCKED",
            "Reading is locked for this client or operator. Ask the credit office's reviewer.",
            retry_after,
        )


class SubjectNotConfirmed(AuthzError):
    """The subject could not be confirmed; says nothing about which part failed."""

    def __init__(self) -> None:
        super().__init__(
            "SUBJECT_NOT_CONFIRMED",
            "The subject could not be confirmed. Check the number and the full name as registered.",
        )


class AuditUnavailable(AuthzError):
    """The audit log cannot be written; nothing was read."""

    def __init__(self) -> None:
        super().__init__(
            "AUDIT_UNAVAILABLE",
            "The audit log cannot be written, so nothing was answered. Try again later.",
        )


class StoreUnavailable(AuthzError):
    """The gateway's own store does not answer; nobody was let in."""

    def __init__(self) -> None:
        super().__init__(
            "STORE_UNAVAILABLE",
            "The gateway's own store does not answer, so the token cannot be checked. Try again later.",
        )


class ConfigurationError(Exception):
    """A file or setting the gateway cannot start with: `code`, where it is, and what to do."""

    def __init__(self, code: str, where: str, message: str) -> None:
        super().__init__(f"{code} {where}: {message}")
        self.code = code
        self.where = where
        self.message = message
