"""What an operation asked that cannot be answered, whoever asks.

BadArgument      an argument's value makes no sense; `code` is stable, the message says what does
"""

from __future__ import annotations


class BadArgument(Exception):
    """A value outside what its argument takes. Never holds the value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
