"""The legacy system's answer to a sign-in request, and the views of it that judging needs."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlsplit

from connectors.legacy.page.document import Document, decode, joined, text_of

Result = Literal["success", "failure", "locked", "expired", "unknown"]
Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_MAX_BODY = 512 * 1024
_NOTICE = 4096
_NOTICE_VISIBLE = 200
_META_REFRESH = re.compile(r"""<meta[^>]+http-equiv\s*=\s*["']?refresh[^>]+url\s*=\s*["']?([^"'>\s]+)""", re.IGNORECASE)
_SCRIPT_MOVE = re.compile(
    r"""(?:location(?:\.href)?\s*=|location\.(?:replace|assign)\(|window\.open\()\s*["']([^"']+)["']"""
)
_ALERT = re.compile(
    r"""\w*(?:alert|msg|message|err|error|warn|warning|confirm|tips?|fail|failed)\s*\(\s*["']([^"']{1,200})["']""",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Outcome:
    """`why` is for the log and the person who writes the recipe; it never holds what was submitted."""

    result: Result
    why: str


@dataclass(frozen=True)
class SignInResponse:
    """`url` is the address that was asked; `headers` a mapping or pairs, of which Set-Cookie may stand repeatedly.

    `login_url`, where it is known, is the address of the login page: a redirect back to it is a refusal.
    """

    status: int
    headers: Headers = field(repr=False)
    url: str
    body: bytes = field(repr=False)
    charset: str | None = None
    login_url: str = ""


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
        """Where it sends the browser: absolute, or empty."""
        target = self.header("location") if 300 <= self.status < 400 else ""
        return joined(self.response.url, target) if target else ""

    @cached_property
    def charset(self) -> str | None:
        match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", self.header("content-type"), re.IGNORECASE)
        return self.response.charset or (match[1] if match else None)

    @cached_property
    def text(self) -> str:
        return decode(self.response.body[:_MAX_BODY], self.charset)[0]

    @cached_property
    def json(self) -> Any:
        """The JSON document, or None. JSONP and a JSON text inside JSON count: old gateways send both."""
        text = self.text.strip()
        if wrapped := re.fullmatch(r"[\w.$]+\s*\((.*)\)\s*;?", text, re.DOTALL):
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
        """What a person reads on the page."""
        if not self.text.strip():
            return ""
        document = Document(self.text)
        document.tree.strip_tags(["script", "style", "template", "noscript"])
        return text_of(document.tree.body) if document.tree.body is not None else ""

    @cached_property
    def is_notice(self) -> bool:
        """A page that is little more than a script: what it says and where it leads is the answer itself.

        In a larger page the same words stand in functions that may never run.
        """
        return len(self.text) <= _NOTICE and len(self.visible) <= _NOTICE_VISIBLE

    @cached_property
    def asks_password(self) -> bool:
        return bool(re.search(r"""<input[^>]+type\s*=\s*["']?password""", self.text, re.IGNORECASE))

    @cached_property
    def spoken(self) -> str:
        """What its script says at once: `alert('密码错误')` is how old systems answer."""
        return " ".join(_ALERT.findall(self.text)) if self.is_notice else ""

    @cached_property
    def moves_to(self) -> str:
        """Where a page sends the browser by itself: absolute, or empty."""
        match = _META_REFRESH.search(self.text) or (_SCRIPT_MOVE.search(self.text) if self.is_notice else None)
        return joined(self.response.url, match[1]) if match else ""


def path_of(address: str) -> str:
    """The path without the session id that servlet containers append (`;jsessionid=`)."""
    try:
        return re.sub(r";jsessionid=[^/?#]*", "", urlsplit(address).path, flags=re.IGNORECASE) or "/"
    except ValueError:
        return "/"


def _takes_away(line: str) -> bool:
    value = line.split(";", 1)[0].partition("=")[2].strip()
    return not value or bool(re.search(r"max-age\s*=\s*0|expires\s*=\s*thu, 01.jan.1970", line, re.IGNORECASE))
