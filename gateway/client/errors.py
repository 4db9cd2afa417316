"""Why the gateway gave no answer.

GatewayError        anything of the below; `code` is stable (docs/errors.md)
├── Refused         an answer with errors and no data: `extensions.code` of the first
└── Unreachable     no answer: it may have been read, or not (GATEWAY_UNREACHABLE, GATEWAY_TIMEOUT,
                    GATEWAY_RUBBISH)
"""

from __future__ import annotations

from typing import Final

_PASSING: Final = frozenset(
    {
        "AUDIT_UNAVAILABLE",
        "DPOP_NONCE",
        "GATEWAY_BUSY",
        "INTERNAL",
        "ISSUER_UNAVAILABLE",
        "OPERATION_TIMEOUT",
        "QUOTA_EXCEEDED",
        "REQUEST_TIMEOUT",
        "STORE_UNAVAILABLE",
    }
)
"""Codes after which the same request can succeed."""


class GatewayError(Exception):
    """`retryable` says whether the same request can succeed later, not whether sending it again is safe."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        """Seconds, where the gateway said so."""
        self.request_id = request_id
        """What to name when you ask the operator; None where no answer came."""


class Refused(GatewayError):
    """The gateway answered that it will not."""

    @classmethod
    def of(cls, error: dict[str, object], request_id: str | None) -> Refused:
        """One entry of `errors`."""
        extensions = error.get("extensions")
        told = extensions if isinstance(extensions, dict) else {}
        code, after = str(told.get("code", "INTERNAL")), told.get("retryAfter")
        return cls(
            code,
            str(error.get("message", "")),
            retryable=bool(told.get("retryable", code in _PASSING)),
            retry_after=float(after) if isinstance(after, int | float) else None,
            request_id=request_id,
        )


class Unreachable(GatewayError):
    """Nobody knows what became of the request."""

    def __init__(self, code: str, message: str, *, sent: bool) -> None:
        super().__init__(code, message, retryable=True)
        self.sent = sent
        """Whether anything of the request can have reached the gateway."""
