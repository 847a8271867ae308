"""The head of an answer as a browser would read it (RFC 9112 §4-§6), from servers of every age.

Read leniently where a browser is lenient: bare line feeds, no reason phrase, folded lines, fields whose name is none.
What leaves is clean, and the body is framed anew for the browser, so that nothing a server writes can look like the
end of its answer, or the beginning of another.
"""

from dataclasses import dataclass
from enum import Enum

from connectors.gateway.wire.headers import Header

# What Chromium takes.
MAX_HEAD_BYTES = 256 * 1024 + 1024
# Each is work for every reader behind this one.
_MAX_LINES = 16 * 1024
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_NOT_TOKEN = bytes(byte for byte in range(256) if byte not in _TOKEN)
_DIGITS = frozenset("0123456789")
# RFC 9112 §2.2: a bare CR becomes a space; so do other controls, which no server may send on. NUL is taken out.
_CLEANED = bytes(0x20 if (byte < 0x20 and byte != 0x09) or byte == 0x7F else byte for byte in range(256))
_LONGEST_LENGTH = 18


class AnswerError(Exception):
    """An answer that no browser could understand; says why, for the log."""


class Framing(Enum):
    """Where a body ends (RFC 9112 §6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    TO_CLOSE = "to close"


@dataclass(frozen=True)
class AnswerHead:
    """`headers` have lower-case names and clean values. `is_old` says HTTP/1.0."""

    status: int
    headers: tuple[Header, ...]
    is_old: bool = False

    def all(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    def tokens(self, name: str) -> list[str]:
        """The members of a field that is a list, in lower case."""
        return [token.strip().lower() for value in self.all(name) for token in value.split(",")]

    @property
    def keeps_open(self) -> bool:
        """RFC 9112 §9.3. Two ways of framing, or two answers to where it ends, end the connection too (§6.1)."""
        named = self.tokens("connection")
        if "close" in named or (self.is_old and "keep-alive" not in named):
            return False
        return not (self.all("transfer-encoding") and self.all("content-length"))


def end_of_head(received: bytearray, since: int = 0) -> int:
    """Where the body begins; -1 while the head is not whole. Lines end with CRLF or with LF alone."""
    start = max(0, since - 3)
    bare, full = received.find(b"\n\n", start), received.find(b"\n\r\n", start)
    ends = [end for end in (bare + 2 if bare >= 0 else -1, full + 3 if full >= 0 else -1) if end >= 0]
    return min(ends, default=-1)


def is_no_answer(received: bytearray) -> bool:
    """What does not begin as HTTP will never become an answer; seen early, nobody waits for its end."""
    return received[:5].upper() != b"HTTP/"[: len(received)]


def parse_head(raw: bytes) -> AnswerHead:
    """Raises AnswerError."""
    first, *lines = raw.replace(b"\x00", b"").rstrip(b"\r\n").split(b"\n")
    if len(lines) > _MAX_LINES:
        raise AnswerError(f"more than {_MAX_LINES} header fields")
    status, is_old = _status_line(first)
    headers = tuple(header for line in _unfolded(lines) if (header := _field(line)) is not None)
    head = AnswerHead(status, headers, is_old)
    if len(set(head.all("location"))) > 1:
        raise AnswerError("two different Location fields")
    return head


def framing_of(head: AnswerHead, method: str) -> tuple[Framing, int]:
    """With the length where there is one. Raises AnswerError for lengths that contradict each other."""
    if method == "HEAD" or head.status in (204, 304):
        return Framing.NONE, 0
    if not head.is_old and "chunked" in head.tokens("transfer-encoding"):
        return Framing.CHUNKED, 0
    lengths = set(head.tokens("content-length"))
    if len(lengths) > 1:
        raise AnswerError("two different Content-Length fields")
    text = next(iter(lengths), "")
    # A length that is none is passed over, as browsers do: the body lasts as long as the connection.
    if text and set(text) <= _DIGITS and len(text) <= _LONGEST_LENGTH:
        return Framing.LENGTH, int(text)
    return Framing.TO_CLOSE, 0


def _status_line(line: bytes) -> tuple[int, bool]:
    version, _, rest = line.strip().partition(b" ")
    code = rest.strip()[:3]
    if version[:5].upper() != b"HTTP/" or len(code) != 3 or not code.isdigit() or rest.strip()[3:4].isdigit():
        raise AnswerError("no status line")
    status = int(code)
    if status < 100:
        raise AnswerError(f"the status {status}")
    return status, version[5:] in (b"1.0", b"0.9")


def _unfolded(lines: list[bytes]) -> list[bytes]:
    """RFC 9112 §5.2: a line that begins with white space goes on with the line before."""
    if not any(line.startswith((b" ", b"\t")) for line in lines):
        return lines
    joined: list[list[bytes]] = []
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            joined.append([line.rstrip(b"\r")])
        elif joined:
            joined[-1].append(line.strip())
    return [b" ".join(parts) for parts in joined]


def _field(line: bytes) -> Header | None:
    """None for what a browser passes over: no colon, or a name that is no token (RFC 9110 §5.6.2)."""
    name, colon, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    if not colon or not name or len(name.translate(None, _NOT_TOKEN)) != len(name):
        return None
    value = value.strip(b" \t\r")
    cleaned = value.translate(_CLEANED)
    # RFC 6265bis §5.6: a cookie with a control character is none.
    if name == b"set-cookie" and cleaned != value:
        return None
    return name.decode("ascii"), cleaned.strip().decode("latin-1")
