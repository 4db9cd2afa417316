"""Proof that somebody checked: signed receipts of must-checks, and what is kept of them. Never a value."""

from authz.receipts.book import Entry, Kept, ManualMethod, ReceiptBook
from authz.receipts.chunks import Chunk, ChunkBook
from authz.receipts.evidence import bears_out
from authz.receipts.receipt import (
    Completeness,
    Receipt,
    ReceiptInvalid,
    digest_of,
    new_check_id,
    new_nonce,
    opened,
    signed,
)

__all__ = [
    "Chunk",
    "ChunkBook",
    "Completeness",
    "Entry",
    "Kept",
    "ManualMethod",
    "Receipt",
    "ReceiptBook",
    "ReceiptInvalid",
    "bears_out",
    "digest_of",
    "new_check_id",
    "new_nonce",
    "opened",
    "signed",
]
