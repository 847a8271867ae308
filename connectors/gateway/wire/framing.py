"""Where the body of an answer ends (RFC 9112 §6, §7.1), as bytes come: no reading, no waiting."""

from typing import Protocol

from connectors.gateway.wire.answer_head import AnswerError, Framing

_LONGEST_LINE = 16 * 1024
_LONGEST_TRAILERS = 64 * 1024
_HEX = frozenset(b"0123456789abcdefABCDEF")
_LONGEST_SIZE = 15
# Lines and parts of chunks: about a millisecond.
_MOST_STEPS = 768


class Frames(Protocol):
    """`done` when the body is whole; `surplus` when more came than belongs to it."""

    done: bool
    surplus: bool

    @property
    def holds_more(self) -> bool:
        """True when `feed` has not looked at all of it yet: it goes on with the next piece, or with none."""

    def feed(self, piece: bytes) -> bytes:
        """What of it is the body. Raises AnswerError."""

    def end(self) -> bool:
        """The connection has ended: True when that is the end of the body, too."""


def frames_of(framing: Framing, length: int) -> Frames:
    if framing is Framing.CHUNKED:
        return ChunkedFrames()
    return LengthFrames(None if framing is Framing.TO_CLOSE else length)


class LengthFrames:
    """A body of a known length, or one that lasts as long as its connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length
        self.done = length == 0
        self.surplus = False

    @property
    def holds_more(self) -> bool:
        return False

    def feed(self, piece: bytes) -> bytes:
        if self._left is None:
            return piece
        body = piece[: self._left]
        self.surplus = self.surplus or len(piece) > self._left
        self._left -= len(body)
        self.done = self._left == 0
        return body

    def end(self) -> bool:
        self.done = self.done or self._left is None
        return self.done


class ChunkedFrames:
    """RFC 9112 §7.1. Trailers are passed over; a line may end with LF alone.

    Chunks of a byte each cost as much as large ones, so it is their number that is bounded in one go.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._line = bytearray()
        self._left = 0
        self._expects = "size"
        self._trailers = 0
        self.done = False
        self.surplus = False

    def feed(self, piece: bytes) -> bytes:
        piece, self._rest = self._rest + piece, b""
        at, steps, body = 0, 0, []
        while at < len(piece) and not self.done and steps < _MOST_STEPS:
            steps += 1
            if self._expects == "data":
                part = piece[at : at + self._left]
                body.append(part)
                at += len(part)
                self._left -= len(part)
                if self._left == 0:
                    self._expects = "end of data"
            else:
                at = self._read_line(piece, at)
        if self.done:
            self.surplus = self.surplus or at < len(piece)
        else:
            self._rest = piece[at:]
        return b"".join(body) if len(body) != 1 else body[0]

    @property
    def holds_more(self) -> bool:
        return bool(self._rest)

    def end(self) -> bool:
        return self.done

    def _read_line(self, piece: bytes, at: int) -> int:
        end = piece.find(b"\n", at)
        self._line += piece[at : end if end >= 0 else len(piece)]
        if len(self._line) > _LONGEST_LINE:
            raise AnswerError("a line between chunks is too long")
        if end < 0:
            return len(piece)
        line = bytes(self._line).removesuffix(b"\r")
        self._line.clear()
        self._take_line(line)
        return end + 1

    def _take_line(self, line: bytes) -> None:
        if self._expects == "size":
            self._left = _chunk_size(line)
            self._expects = "data" if self._left else "trailers"
        elif self._expects == "end of data":
            if line:
                raise AnswerError("a chunk is longer than its size")
            self._expects = "size"
        else:
            self._trailers += len(line) + 2
            if self._trailers > _LONGEST_TRAILERS:
                raise AnswerError("the trailers are too long")
            self.done = not line


def _chunk_size(line: bytes) -> int:
    """Extensions are passed over; a sign, a prefix or anything else that another reader could take is refused."""
    digits = line.partition(b";")[0].rstrip(b" \t")
    if not digits or len(digits) > _LONGEST_SIZE or not _HEX.issuperset(digits):
        raise AnswerError("the size of a chunk is none")
    return int(digits, 16)
