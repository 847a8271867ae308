"""Content codings (RFC 9110 §8.4.1) that are undone here, so that bodies can be read: in small pieces, whatever they
swell to."""

import zlib
from typing import Any

from connectors.gateway.wire.answer_head import AnswerError, AnswerHead

# What systems are asked for.
ACCEPT_ENCODING = "gzip, deflate"
_PIECE = 64 * 1024
_GZIP = 31
_DEFLATE = frozenset({"deflate"})
_DECODED = frozenset({"gzip", "x-gzip", "deflate"})


def coding_of(head: AnswerHead) -> str:
    """The codings of a body as one text, in lower case; empty for none."""
    return ", ".join(token for token in head.tokens("content-encoding") if token not in ("", "identity"))


def is_undone(head: AnswerHead) -> bool:
    """True when the coding is undone here. A part of a coded body (RFC 9110 §14) cannot be: it begins in the middle."""
    return coding_of(head) in _DECODED and head.status != 206


class Decoder:
    """`feed` what came, then take pieces by `next` until it gives none. `holds_more`: there is one without feeding."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._pending = b""
        self.holds_more = False
        self._inflate: Any = None if coding in _DEFLATE else zlib.decompressobj(_GZIP)

    @property
    def is_finished(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def feed(self, coded: bytes) -> None:
        self._pending += coded

    def next(self) -> bytes:
        """At most 64 KiB; empty when more must be fed. Raises AnswerError. What follows the end is passed over."""
        if self._inflate is None and len(self._pending) >= 2:
            self._inflate = zlib.decompressobj(_window(self._pending))
        if self._inflate is None or self._inflate.eof:
            self.holds_more = False
            return b""
        try:
            plain: bytes = self._inflate.decompress(self._pending, _PIECE)
        except zlib.error:
            raise AnswerError(f"its {self._coding} coding is broken") from None
        self._pending = self._inflate.unconsumed_tail
        self.holds_more = len(plain) == _PIECE
        return plain


def _window(beginning: bytes) -> int:
    """Servers send `deflate` with a zlib header (RFC 1950) and without; the header's check tells."""
    has_header = beginning[0] & 0x0F == 8 and int.from_bytes(beginning[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
