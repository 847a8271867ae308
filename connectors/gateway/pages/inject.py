"""Putting Yimen's one script into a page, and letting exactly that script through the page's own policy."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import re2

from connectors.gateway.wire.headers import Header

SCRIPT_PATH = "/.yimen/fill.js"
SCRIPT = (Path(__file__).parent / "fill.js").read_bytes()
# Browsers keep the script; another version has another address.
_ADDRESS = f"{SCRIPT_PATH}?{hashlib.sha256(SCRIPT).hexdigest()[:12]}"

_HEAD = re2.compile(rb"(?i)<head(\s[^>]*)?>")
_HTML = re2.compile(rb"(?i)<html(\s[^>]*)?>")
_DOCTYPE = re2.compile(rb"(?i)<!doctype[^>]*>")
_SCRIPT_DIRECTIVES = ("script-src-elem", "script-src", "default-src")
_NONCE = re2.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_META_POLICY = re2.compile(rb"""(?i)<meta[^>]+http-equiv\s*=\s*["']?content-security-policy["']?[^>]*>""")


def with_script(page: bytes, data: Mapping[str, Any], nonce: str | None) -> bytes:
    """The page with the script at the top of its head. ASCII only, so every charset of a legacy page carries it."""
    said = escape(json.dumps(data, ensure_ascii=True, separators=(",", ":")), quote=True)
    allowed = f' nonce="{escape(nonce, quote=True)}"' if nonce else ""
    tag = f'<script src="{_ADDRESS}"{allowed} data-yimen="{said}" defer="defer"></script>'.encode(
        "ascii", "xmlcharrefreplace"
    )
    # A policy inside the page could not be widened for one script; the header still stands.
    page = _META_POLICY.sub(b"", page)
    for pattern in (_HEAD, _HTML, _DOCTYPE):
        match = pattern.search(page[:8192])
        if match is not None:
            return page[: match.end()] + tag + page[match.end() :]
    return tag + page


def nonce_for(headers: Sequence[Header]) -> str | None:
    """The nonce of the page's own policy, when it works with nonces; a new one when it is 'strict-dynamic' by hashes,
    and so believes no address (CSP 3 §8.2)."""
    policies = [value for name, value in headers if name == "content-security-policy"]
    for policy in policies:
        match = _NONCE.search(policy)
        if match is not None:
            return str(match[1])
    return secrets.token_urlsafe(18) if any(map(_believes_no_address, policies)) else None


def letting_script_through(headers: Sequence[Header], gateway_origin: str, nonce: str | None) -> list[Header]:
    """The same policies, each with our script's address, or its nonce, added where scripts are restricted."""
    source = f"{gateway_origin}{SCRIPT_PATH}"
    return [
        (name, _widened(value, source, nonce) if name == "content-security-policy" else value)
        for name, value in headers
    ]


def _believes_no_address(policy: str) -> bool:
    return "'strict-dynamic'" in policy.lower()


def _widened(policy: str, source: str, nonce: str | None) -> str:
    if nonce is not None and _believes_no_address(policy):
        source = f"'nonce-{nonce}'"
    directives = [part.strip() for part in policy.split(";") if part.strip()]
    names = [part.split()[0].lower() for part in directives]
    for wanted in _SCRIPT_DIRECTIVES:
        if wanted not in names:
            continue
        place = names.index(wanted)
        sources = [one for one in directives[place].split()[1:] if one != "'none'"]
        if wanted == "default-src":
            directives.append(" ".join(["script-src", *sources, source]))
        else:
            directives[place] = " ".join([wanted, *sources, source])
        break
    return "; ".join(directives)
