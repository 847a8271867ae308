"""Every way to show a password in an answer: whole answers, as bytes, by name."""

import base64
import gzip
import html
import json
import zlib
from collections.abc import Mapping
from urllib.parse import quote

_OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
_TEXT = "text/plain; charset=utf-8"


def echoes_of(secret: str) -> Mapping[str, bytes]:
    raw = secret.encode()
    return {**_in_bodies(secret, raw), **_in_codings(raw), **_in_fields(secret, raw), **_in_frames(raw)}


def mirrors_of(authorization: str) -> Mapping[str, bytes]:
    """The same for the whole Authorization field that the system was sent."""
    safe, credential = quote(authorization, safe=""), base64.b64decode(authorization.partition(" ")[2])
    page = f"<!doctype html><title>x</title><p>{html.escape(credential.decode())}</p><!-- {authorization} -->"
    return {
        "body": _answer(authorization.encode()),
        "token": _answer(authorization.partition(" ")[2].encode()),
        "plain": _answer(credential),
        "page": _answer(page.encode(), "text/html; charset=utf-8"),
        "json": _answer(json.dumps({"authorization": authorization, "given": credential.decode()}).encode()),
        "broken": _answer("\r\n".join(authorization[at : at + 9] for at in range(0, len(authorization), 9)).encode()),
        "hex": _answer(credential.hex().encode()),
        "gzip": _answer(gzip.compress(authorization.encode()), _TEXT, "Content-Encoding: gzip"),
        "field": _answer(b"", _TEXT, f"X-Note: {authorization}", f"Authorization: {authorization}", f'ETag: "{safe}"'),
        "cookie": _answer(b"", _TEXT, f"Set-Cookie: note={safe}; Path=/"),
        "redirect": _answer(b"", _TEXT, f"Location: /store/redirect?a={safe}", status="302 Found"),
        "refresh": _answer(b"", "text/html", f"Refresh: 0; url=/store/refresh?a={safe}"),
        "challenge": _answer(b"", _TEXT, f'WWW-Authenticate: Digest realm="{safe}"', status="407 Proxy"),
        "trace": _answer(f"TRACE / HTTP/1.1\r\nAuthorization: {authorization}\r\n\r\n".encode(), "message/http"),
    }


def _answer(body: bytes, kind: str = _TEXT, *fields: str, status: str = "200 OK") -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *fields,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _in_bodies(secret: str, raw: bytes) -> dict[str, bytes]:
    escaped = html.escape(secret)
    numbers = "".join(f"&#{ord(one)};" for one in secret)
    units = "".join(f"\\u{ord(one):04x}" for one in secret)
    page = f"<!doctype html><title>x</title><input value='{escaped}'><p>{numbers}</p><!-- {secret} -->".encode()
    return {
        "text": _answer(raw),
        "page": _answer(page, "text/html; charset=utf-8"),
        "page-without-type": b"HTTP/1.0 200 OK\r\n\r\n" + page,
        "json": _answer(json.dumps({"a": secret, "b": quote(secret), "c": units}).encode(), "application/json"),
        "script": _answer(f"self.got = '{units}';".encode(), "text/javascript"),
        "style": _answer(f"a::before {{ content: '{secret}' }}".encode(), "text/css"),
        "drawing": _answer(
            f"<svg xmlns='http://www.w3.org/2000/svg'><text>{escaped}</text></svg>".encode(), "image/svg+xml"
        ),
        "picture": _answer(raw, "image/png"),
        "film": _answer(raw, "video/mp4"),
        "letters": _answer(raw, "font/woff2, text/plain"),
        "download": _answer(raw, "application/octet-stream", 'Content-Disposition: attachment; filename="x"'),
        "utf-16": _answer(b"\xff\xfe" + secret.encode("utf-16-le"), "text/plain; charset=utf-16"),
        "utf-16be": _answer(secret.encode("utf-16-be"), "text/html; charset=utf-16be"),
        "hex": _answer(raw.hex().encode()),
        "percent": _answer(quote(quote(secret, safe=""), safe="").encode()),
        **{f"base64-{n}": _answer(base64.b64encode(b"x" * n + raw + b"y" * n)) for n in range(3)},
        "ranges": _answer(
            b"--b\r\nContent-Type: text/plain\r\n\r\n" + raw + b"\r\n--b--\r\n", "multipart/byteranges; boundary=b"
        ),
        "replaced": _answer(
            b"--b\r\nContent-Type: text/html\r\n\r\n" + raw + b"\r\n--b--\r\n", "multipart/x-mixed-replace; boundary=b"
        ),
    }


def _in_codings(raw: bytes) -> dict[str, bytes]:
    bare = zlib.compressobj(wbits=-15)
    coded = {
        "gzip": gzip.compress(raw),
        "deflate": zlib.compress(raw),
        "gzip, gzip": gzip.compress(gzip.compress(raw)),
        "br": raw,
        "GZIP": gzip.compress(raw),
    }
    answers = {
        f"{coding} {kind.partition('/')[0]}": _answer(body, kind, f"Content-Encoding: {coding}")
        for coding, body in coded.items()
        for kind in ("text/plain", "image/png")
    }
    return answers | {
        "deflate bare": _answer(bare.compress(raw) + bare.flush(), _TEXT, "Content-Encoding: deflate"),
        "a coded part": _answer(
            gzip.compress(raw), "image/png", "Content-Encoding: gzip", "Content-Range: bytes 0-9/10", status="206 Part"
        ),
        "a part": _answer(raw[:3], _TEXT, f"Content-Range: bytes 0-2/{len(raw)}", status="206 Part"),
    }


def _in_fields(secret: str, raw: bytes) -> dict[str, bytes]:
    safe, latin = quote(secret, safe=""), raw.decode("latin-1")
    return {
        "field": _answer(b"", _TEXT, f"X-Note: {latin}", f'ETag: "{safe}"', f'Server-Timing: a;desc="{safe}"'),
        "field-name": _answer(b"", _TEXT, f"X-{raw.hex()}: 1"),
        "cookies": _answer(b"", _TEXT, f"Set-Cookie: note={safe}; Path=/", f"Set-Cookie: {raw.hex()}=1; Path=/"),
        "redirect": _answer(b"", _TEXT, f"Location: /store/redirect?p={safe}", status="302 Found"),
        "refresh": _answer(b"", _TEXT, f"Refresh: 0; url=/store/refresh?p={safe}"),
        "link": _answer(b"", _TEXT, f"Link: </store/link?p={safe}>; rel=preload; as=fetch"),
        "file-name": _answer(b"", _TEXT, f"Content-Disposition: attachment; filename*=UTF-8''{safe}"),
        "reason": _answer(b"", _TEXT, status=f"299 {safe}"),
        "policy": _answer(b"", "text/html", f"Content-Security-Policy: img-src 'self' http://{raw.hex()}.example"),
    }


def _in_frames(raw: bytes) -> dict[str, bytes]:
    chunked = _OK + b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Note\r\n\r\n"
    each = b"".join(b"1\r\n" + bytes((byte,)) + b"\r\n" for byte in raw)
    hints = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </store/hint?p=" + raw.hex().encode() + b">; rel=preload; as=fetch\r\n\r\n"
    )
    return {
        "chunks": chunked + each + b"0\r\n\r\n",
        "trailers": chunked + b"1\r\nx\r\n0\r\nX-Note: " + raw + b"\r\n\r\n",
        "hints": hints + _answer(raw),
        "events": _OK + b"Content-Type: text/event-stream\r\n\r\ndata: " + raw + b"\n\n",
        "after-the-end": _answer(b"x") + _answer(raw),
    }
