"""What is known of a login request, and whether a request is it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal, Self, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.legacy.recipe.globs import matches_path

# How a message of a socket is written: one JSON document alone, or as Socket.IO, SockJS or SignalR frame one.
MessageKind = Literal["message", "socket.io", "sockjs", "signalr"]
Kind = Literal["urlencoded", "multipart", "json", "basic", "message", "socket.io", "sockjs", "signalr"]
MESSAGE_KINDS: frozenset[str] = frozenset(get_args(MessageKind))
# SOCKET is no method of HTTP: a message of a socket, whatever carries it.
Method = Literal["POST", "PUT", "PATCH", "SOCKET"]
SOCKET: Final = "SOCKET"

# A word of a program, such as `login` or `user.doLogin`: a value that says what is asked for. An address says where,
# and may be the gateway's, which is another one after a move.
WORD = re.compile(r"(?![A-Za-z]+://)[A-Za-z][A-Za-z_.:/-]{0,39}\Z")
GRAPHQL = re.compile(r"(mutation|query)\b[^<>]{0,4000}\Z")
SIGN_IN = re.compile(r"log_?[io]n|sign_?in|auth|session", re.IGNORECASE)
# JSON-RPC, GraphQL, and the front controllers of old.
_SAYS_WHAT = re.compile(
    r"(^|[/_.-])(method|action|operationname|query|cmd|command|op|act|func|function|service|api|do|task|mod|module|route|page"
    r"|view|controller|ctl|option|event|form_id|m|a|c|r|s)\Z",
    re.IGNORECASE,
)
# Servlet containers append the session's id to a path.
_SESSION_ID = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)


# Query names that only say where to go on after the sign-in, in which language, or that a copy must not be used: they
# come and go with the page that the person came from.
_GOES_ON = frozenset(
    {
        *(
            "next",
            "return",
            "returnurl",
            "return_url",
            "returnto",
            "return_to",
            "redirect",
            "redirecturl",
            "redirect_url",
        ),
        *(
            "redirect_uri",
            "redirect_to",
            "continue",
            "url",
            "target",
            "goto",
            "from",
            "back",
            "backurl",
            "service",
            "ref",
        ),
        *("referer", "referrer", "destination", "dest", "callback", "lang", "locale", "language", "_", "t", "ts"),
        *("timestamp", "rnd", "rand", "random"),
    }
)


class Source(StrEnum):
    """Where the knowledge comes from. `signed`: a security administrator has looked at what was learned."""

    RECIPE = "recipe"
    FORM = "form"
    LEARNED = "learned"
    SIGNED = "signed"


class RequestLine(BaseModel):
    """Method and target of a request as the legacy server gets it."""

    model_config = ConfigDict(frozen=True)

    origin: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, origin: str, method: str, target: str) -> Self:
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True, encoding="latin-1"))
        return cls(origin=origin, method=method, path=plain_path(parts.path), query=query)


class LoginRequest(BaseModel):
    """`query` gives the fixed names of the address, each with its value, or None where that changes each time.

    `passwords` are the places (a field's name, or a JSON pointer) that take the password, each with the transform that
    the page makes of it; None where any of the usual ones may be: then `made_only` names those that never take it
    plain. `constants` are fields with a fixed value, which tell a sign-in from other calls of one address.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str = Field(max_length=300)
    method: Method
    path: str = Field(max_length=2000)
    query: Mapping[str, str | None] = Field(default_factory=dict)
    # None of a recipe alone, whose author leaves it open.
    kind: Kind | None
    username: str | None = None
    passwords: Mapping[str, str | None]
    made_only: tuple[str, ...] = ()
    constants: Mapping[str, str] = Field(default_factory=dict)
    # Of a recipe alone: its path is a pattern, and says what its author wants it to.
    is_pattern: bool = False

    @model_validator(mode="after")
    def _takes_a_password(self) -> Self:
        if not self.passwords and self.kind != "basic":
            raise ValueError("a login request has a place for the password")
        return self

    def is_at(self, line: RequestLine) -> bool:
        """Whether a request of this line may be it; its body decides."""
        if (line.origin, line.method) != (self.origin, self.method):
            return False
        if self.is_pattern:
            asked = dict(line.query)
            return matches_path(self.path, line.path) and all(
                name in asked and value in (None, asked[name]) for name, value in self.query.items()
            )
        return line.path == self.path and self._fits_query(line.query)

    def has_constants(self, values: Sequence[tuple[str, str | None]]) -> bool:
        """Whether each constant stands there once, with its value. The author of a recipe may write a member of a JSON
        document by its name."""
        return all(
            [value for name, value in values if name in (wanted, f"/{wanted}")] == [constant]
            for wanted, constant in self.constants.items()
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text, hex: what a signature, a Ticket and an administrator speak of."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _fits_query(self, query: Sequence[tuple[str, str]]) -> bool:
        """Every fixed name once, with its value, and no other; names of no matter may come and go."""
        pairs = [(name, value) for name, value in query if name in self.query or name.lower() not in _GOES_ON]
        asked = {name for name, _ in pairs}
        needed = {name for name, value in self.query.items() if value is not None or name.lower() not in _GOES_ON}
        if len(asked) < len(pairs) or not needed <= asked <= self.query.keys():
            return False
        return all(self.query[name] in (None, value) for name, value in pairs)


def says_what(name: str, value: str | None) -> bool:
    """Whether a field says which of the calls at one address it is: by its name, or because it speaks of signing in."""
    if not value or not (WORD.match(value) or GRAPHQL.match(value)):
        return False
    return _SAYS_WHAT.search(name) is not None or SIGN_IN.search(value) is not None


def fixed_query(query: Sequence[tuple[str, str]]) -> dict[str, str | None]:
    """The names of a query, with the values that are words of a program; the others change from visit to visit."""
    return {name: value if _is_fixed(name, value) else None for name, value in query}


def _is_fixed(name: str, value: str) -> bool:
    """`?service=login` says what is asked for, `?service=https://…` where to go on."""
    return WORD.match(value) is not None and (name.lower() not in _GOES_ON or SIGN_IN.search(value) is not None)


def plain_path(path: str) -> str:
    """The path without what changes from session to session."""
    return _SESSION_ID.sub("", path) or "/"
