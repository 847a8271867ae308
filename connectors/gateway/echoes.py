"""Taking a password out of the answer to its own sign-in, should the system echo it, in whichever writing."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from html.entities import codepoint2name

_SHORTEST = 4
_SCRUBBED = b"******"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~*")
_CHARSETS = ("utf-8", "gb18030")
# How HTML, JSON and scripts write some characters with a letter.
_LETTERS = {"\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f"}


def scrubbed(body: bytes, secrets: Iterable[bytes | bytearray]) -> bytes:
    """`body` with every secret replaced: plain, or as HTML, addresses, JSON, scripts, hex and base64 write it, alone or
    among other things.

    A secret of fewer than four bytes is left alone: it would be found everywhere.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            body = _pattern(bytes(secret).decode("utf-8", "replace")).sub(_SCRUBBED, body)
    return body


def freed(
    body: bytes, headers: Iterable[tuple[str, str]], secrets: Sequence[bytes | bytearray]
) -> tuple[bytes, list[tuple[str, str]]]:
    """Body and header fields without the secrets."""
    fields = [(name, scrubbed(value.encode("latin-1"), secrets).decode("latin-1")) for name, value in headers]
    return scrubbed(body, secrets), fields


def _pattern(secret: str) -> re.Pattern[bytes]:
    """Each character in any of its writings, so that a mixture of them is found too."""
    spelled = b"".join(b"(?:%s)" % b"|".join(_alternatives(character)) for character in secret)
    return re.compile(b"|".join((spelled, *_whole(secret))))


def _whole(secret: str) -> Iterator[bytes]:
    """The secret written as bytes: in hex, and in base64 where it begins at any of the three places in a group."""
    for encoded in {secret.encode(charset, "replace") for charset in _CHARSETS}:
        yield b"(?i:%s)" % encoded.hex().encode()
        for before in range(3):
            written = base64.b64encode(bytes(before) + encoded).rstrip(b"=")
            # The characters at both ends hold bits of the neighbours too.
            core = written[(before * 8 + 5) // 6 : len(written) - (1 if (before + len(encoded)) % 3 else 0)]
            either = b"".join({0x2B: b"[+-]", 0x2F: b"[/_]"}.get(byte, re.escape(bytes((byte,)))) for byte in core)
            yield b"[A-Za-z0-9+/_-]{0,2}%s[A-Za-z0-9+/_-]{0,2}={0,2}" % either


def _alternatives(character: str) -> Iterator[bytes]:
    """Longest first, so that an escaped character is taken with its escape."""
    code = ord(character)
    units = [f"{unit:04x}" for unit in _utf16(character)]
    yield b"&#0*%d;" % code
    yield b"(?i:&#x0*%x;)" % code
    if code in codepoint2name:
        yield b"&%s;" % codepoint2name[code].encode()
    yield b"(?i:%s)" % b"".join(rb"\\u%s" % unit.encode() for unit in units)
    yield b"(?i:%s)" % b"".join(b"%%u%s" % unit.encode() for unit in units)
    for charset in _CHARSETS:
        yield b"".join(map(_percent_encoded, character.encode(charset, "replace")))
    if code < 0x100:
        yield rb"(?i:\\x%02x)" % code
    if character in _LETTERS:
        yield rb"\\%s" % _LETTERS[character]
    elif character.isascii() and not character.isalnum():
        yield rb"\\%s" % re.escape(character.encode())
    if character == " ":
        yield rb"\+"
    for charset in _CHARSETS:
        yield re.escape(character.encode(charset, "replace"))


def _percent_encoded(byte: int) -> bytes:
    """GB18030 has letters, digits and `~` inside of characters, and these need no encoding."""
    encoded = b"(?i:%%%02x)" % byte
    return b"(?:%s|%s)" % (encoded, re.escape(bytes((byte,)))) if byte in _UNRESERVED else encoded


def _utf16(character: str) -> list[int]:
    encoded = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]
