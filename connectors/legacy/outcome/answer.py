"""The legacy system's answer to a sign-in request, and the views of it that judging needs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from connectors.legacy.outcome.blocks import text_by_blocks
from connectors.legacy.page.document import Document, charset_of, decode, joined
from connectors.legacy.patterns import Pattern

Result = Literal["success", "failure", "locked", "expired", "unknown"]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_MAX_BODY = 512 * 1024
_NOTICE = 4096
_NOTICE_VISIBLE = 200
_META_REFRESH = Pattern(r"""(?i)<meta[^>]+http-equiv\s*=\s*["']?refresh[^>]+url\s*=\s*["']?([^"'>\s]+)""")
_REFRESH = Pattern(r"""(?i)^\s*[0-9.]+\s*[;,]\s*(?:url\s*=\s*)?["']?([^"'\s]+)""")
_SCRIPT_MOVE = Pattern(
    r"""(?:location(?:\.href)?\s*=|location\.(?:replace|assign)\(|window\.open\()\s*["']([^"']+)["']"""
)
_ALERT = Pattern(
    r"""(?i)\w*(?:alert|msg|message|err|error|warn|warning|confirm|tips?|fail|failed)\s*\(\s*["']([^"']{1,200})["']"""
)
_JSONP = Pattern(r"(?s)[\w.$]+\s*\((.*)\)\s*;?")
_PASSWORD_FIELD = Pattern(r"""(?i)<input[^>]+type\s*=\s*["']?password""")
_TAKEN_AWAY = Pattern(r"(?i)max-age\s*=\s*0|expires\s*=\s*thu, 01.jan.1970")
# JSON against JSON hijacking: `)]}',` and `for(;;);` stand in front.
_JSON_GUARDS = (")]}'", "for(;;);", "while(1);", "{}&&")


@dataclass(frozen=True)
class Outcome:
    """`why` is for the log and the person who writes the recipe; it never holds what was submitted."""

    result: Result
    why: str


@dataclass(frozen=True)
class SignInResponse:
    """`url` is the address that was asked; `headers` a mapping or pairs, of which Set-Cookie may stand repeatedly.

    `login_url`, where it is known, is the address of the login page: a redirect back to it is a refusal.
    `password_fields` are the names under which the password was sent, where that is known: a page that asks for another
    one - to change it, to add a person - is not the login page.
    """

    status: int
    headers: Headers = field(repr=False)
    url: str
    body: bytes = field(repr=False)
    charset: str | None = None
    login_url: str = ""
    password_fields: tuple[str, ...] = ()


class Answer:
    """Views of a response, each made once."""

    def __init__(self, response: SignInResponse) -> None:
        self.response = response
        self.status = response.status
        pairs = response.headers.items() if isinstance(response.headers, Mapping) else response.headers
        self._headers = [(name.lower(), value) for name, value in pairs]

    def header(self, name: str) -> str:
        return next((value for known, value in self._headers if known == name), "")

    @property
    def cookies(self) -> set[str]:
        """The names of the cookies it sets; one that is taken away does not count."""
        lines = [value for name, value in self._headers if name == "set-cookie"]
        return {line.split("=", 1)[0].strip() for line in lines if not _takes_away(line)}

    @cached_property
    def location(self) -> str:
        """Where it sends the browser: absolute, or empty. `Refresh` and htmx's fields do what Location does."""
        if 300 <= self.status < 400:
            target = self.header("location")
        else:
            refresh = _REFRESH.search(self.header("refresh")) if self.status < 300 else None
            target = refresh[1] if refresh else self._htmx_target()
        return joined(self.response.url, target) if target else ""

    def _htmx_target(self) -> str:
        """https://htmx.org/reference/#response_headers; HX-Location may be a JSON document with the path."""
        target = self.header("hx-redirect") or self.header("hx-location")
        if not target.startswith("{"):
            return target
        try:
            path = json.loads(target).get("path", "")
        except (ValueError, RecursionError, AttributeError):
            return ""
        return path if isinstance(path, str) else ""

    @cached_property
    def charset(self) -> str | None:
        return self.response.charset or charset_of(self.header("content-type"))

    @cached_property
    def text(self) -> str:
        return decode(self.response.body[:_MAX_BODY], self.charset)[0]

    @cached_property
    def json(self) -> Any:
        """The JSON document, or None. JSONP and a JSON text inside JSON count: old gateways send both."""
        text = self.text.strip()
        if "event-stream" in self.header("content-type").lower():
            text = "".join(line[5:].strip() for line in text.splitlines()[:100] if line.startswith("data:"))
        for guard in _JSON_GUARDS:
            text = text.removeprefix(guard).strip(" ,\n\r")
        if wrapped := _JSONP.fullmatch(text):
            text = wrapped[1].strip()
        for _ in range(2):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return None
            if not isinstance(value, str):
                return value
            text = value
        return None

    @cached_property
    def is_html(self) -> bool:
        kind = self.header("content-type").lower()
        return "html" in kind or (not kind and self.text.lstrip()[:1] == "<")

    @cached_property
    def visible(self) -> str:
        """What a person reads on the page, block by block."""
        if not self.text.strip():
            return ""
        document = Document(self.text)
        document.tree.strip_tags(["script", "style", "template", "noscript"])
        return text_by_blocks(document.tree.body) if document.tree.body is not None else ""

    @cached_property
    def is_notice(self) -> bool:
        """A page that is little more than a script: what it says and where it leads is the answer itself.

        In a larger page the same words stand in functions that may never run.
        """
        return len(self.text) <= _NOTICE and not self.is_content

    @cached_property
    def is_content(self) -> bool:
        """It shows more than a notice does."""
        return len(self.visible) > _NOTICE_VISIBLE

    @cached_property
    def asks_password(self) -> bool:
        return _PASSWORD_FIELD.search(self.text) is not None

    @cached_property
    def spoken(self) -> str:
        """What its script says at once: `alert('密码错误')` is how old systems answer."""
        return " ".join(_ALERT.findall(self.text)) if self.is_notice else ""

    @cached_property
    def moves_to(self) -> str:
        """Where a page sends the browser by itself: absolute, or empty."""
        match = _META_REFRESH.search(self.text) or (_SCRIPT_MOVE.search(self.text) if self.is_notice else None)
        return joined(self.response.url, match[1]) if match else ""


def _takes_away(line: str) -> bool:
    value = line.split(";", 1)[0].partition("=")[2].strip()
    return not value or _TAKEN_AWAY.search(line) is not None
