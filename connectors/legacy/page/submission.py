"""The body of a sign-in request, as a browser would make it of the page's form."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.errors import ConnectorError
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import has

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._")


@dataclass(frozen=True)
class Body:
    """`content` holds the password: it is never shown, and wiped by who made it."""

    content: bytearray = field(repr=False)
    content_type: str


def form_fields(page: Page, form: LexborNode | None, submit: str | None) -> list[tuple[str, str]]:
    """The names and values the form would send as it stands (HTML §4.10.22.4); of the buttons only `submit`."""
    fields: list[tuple[str, str]] = []
    for control in page.controls:
        owner = control.form.mem_id if control.form is not None else None
        name = control.get("name")
        if not name or owner != (form.mem_id if form is not None else None) or has(control.node, "disabled"):
            continue
        if control.type in ("checkbox", "radio"):
            if has(control.node, "checked"):
                fields.append((name, control.node.attrs.get("value") or "on"))
        elif control.tag == "select":
            fields.append((name, _selected(control)))
        elif control.tag == "button" or control.type in ("submit", "image", "button", "reset", "file"):
            if page.document.selector_of(control.node) == submit:
                fields.append((name, control.get("value")))
        else:
            fields.append((name, control.node.attrs.get("value") or ""))
    return fields


def _selected(control: Control) -> str:
    options = control.node.css("option")
    chosen = next((one for one in options if has(one, "selected")), options[0] if options else None)
    if chosen is None:
        return ""
    return chosen.attrs.get("value") or ("" if has(chosen, "value") else chosen.text().strip())


def urlencoded(fields: Sequence[tuple[str, str | bytearray]], charset: str) -> Body:
    """application/x-www-form-urlencoded in the page's charset (URL Standard §5.2)."""
    content = bytearray()
    for name, value in fields:
        content += b"&" if content else b""
        _percent(content, _encoded(name, charset))
        content += b"="
        _percent(content, _encoded(value, charset))
    return Body(content, "application/x-www-form-urlencoded")


def multipart(fields: Sequence[tuple[str, str | bytearray]], charset: str) -> Body:
    """multipart/form-data (RFC 7578)."""
    boundary = f"yimen{secrets.token_hex(12)}".encode()
    content = bytearray()
    for name, value in fields:
        quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        content += b"--" + boundary + b'\r\nContent-Disposition: form-data; name="'
        content += _encoded(quoted, charset) + b'"\r\n\r\n' + _encoded(value, charset) + b"\r\n"
    content += b"--" + boundary + b"--\r\n"
    return Body(content, f"multipart/form-data; boundary={boundary.decode()}")


def json_body(fields: Sequence[tuple[str, str | int | bool | bytearray]]) -> Body:
    """A JSON document in which each value stands at its pointer, or under its name."""
    document: dict[str, Any] = {}
    for place, value in fields:
        parts = [one.replace("~1", "/").replace("~0", "~") for one in place.split("/")[1:]] or [place]
        parent = document
        for part in parts[:-1]:
            parent = parent.setdefault(part, {})
            if not isinstance(parent, dict):
                raise ConnectorError("ERR-RECIPE_TRY", f"{place} leads through a value")
        parent[parts[-1]] = value.decode(errors="replace") if isinstance(value, bytearray) else value
    return Body(bytearray(json.dumps(document, ensure_ascii=False).encode()), "application/json")


def _encoded(value: str | bytearray, charset: str) -> bytes | bytearray:
    """Text in the page's charset; what it cannot say becomes a character reference, as in browsers."""
    codec = "gb18030" if charset == "gbk" else charset
    if isinstance(value, str):
        return value.encode(codec, "xmlcharrefreplace")
    return value if value.isascii() else bytearray(value.decode(errors="replace").encode(codec, "xmlcharrefreplace"))


def _percent(content: bytearray, value: bytes | bytearray) -> None:
    for byte in value:
        if byte in _PLAIN:
            content.append(byte)
        else:
            content += b"+" if byte == 0x20 else b"%%%02X" % byte
