"""The path and query of a request, exactly as they came; refused when two servers could read them in two ways.

Legacy servers decode twice, take `..;` for `..` (Tomcat), `\\` for `/` (IIS), and characters that only look like a dot
for one. What is served of a system must not depend on which of these stands behind (CVE-2026-3872 and its kin).
"""

import unicodedata
from urllib.parse import quote, unquote, unquote_to_bytes

from starlette.requests import HTTPConnection

from connectors.errors import ConnectorError

_CONTROL = frozenset(map(chr, (*range(0x21), 0x7F)))
_DECODINGS = 3
# Overlong UTF-8 of `.`, `/` and `\`, which old decoders still take.
_OVERLONG = (b"\xc0\xae", b"\xc0\xaf", b"\xc1\x9c", b"\xe0\x80\xae", b"\xe0\x80\xaf", b"\xe0\x81\x9c")


def target_of(connection: HTTPConnection) -> str:
    """Raises ERR-PATH."""
    raw = connection.scope.get("raw_path") or connection.scope["path"].encode()
    path = _ascii(raw.partition(b"?")[0])
    query = _ascii(connection.scope.get("query_string", b""))
    if not path.startswith("/") or path.startswith("//") or "#" in path or _is_ambiguous(path):
        raise ConnectorError("ERR-PATH", "the path is ambiguous", status=400)
    return f"{path}?{query}" if query else path


def require_inside(prefix: str, path: str) -> None:
    """Raises ERR-PATH for what the system does not open."""
    if path != prefix.rstrip("/") and not path.startswith(prefix if prefix.endswith("/") else f"{prefix}/"):
        raise ConnectorError("ERR-PATH", f"{path[:100]} is outside of {prefix}", status=404)


def _is_ambiguous(path: str) -> bool:
    if not _CONTROL.isdisjoint(path) or _has_dots(path) or "\\" in path:
        return True
    before = path
    for _ in range(_DECODINGS):
        raw = unquote_to_bytes(before)
        if any(overlong in raw for overlong in _OVERLONG):
            return True
        decoded = unquote(before)
        if decoded == before:
            return False
        # A space, and a percent sign that stands for itself, change nothing about the segments.
        if not (_CONTROL - {" "}).isdisjoint(decoded) or decoded.count("/") != before.count("/") or "\\" in decoded:
            return True
        if _has_dots(decoded):
            return True
        before = decoded
    return True


def _has_dots(path: str) -> bool:
    """A segment that is `.` or `..`, also with parameters (RFC 3986 §3.3) or in full-width characters."""
    plain = unicodedata.normalize("NFKC", path).replace("\\", "/")
    return any(segment.partition(";")[0].strip() in (".", "..") for segment in plain.split("/"))


def _ascii(raw: bytes) -> str:
    """Bytes that no address may hold as they are - old browsers send GBK so - are percent-encoded; the rest stays."""
    if raw.isascii():
        return raw.decode("ascii")
    return "".join(chr(byte) if byte < 0x80 else quote(bytes((byte,))) for byte in raw)
