"""What is known of a login request, and whether a request is it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.legacy.recipe.globs import matches_path

Kind = Literal["urlencoded", "multipart", "json", "basic"]
Method = Literal["POST", "PUT", "PATCH"]

# Servlet containers append the session's id to a path.
_SESSION_ID = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)


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
        """Every fixed name once, with its value; no other name that the form's own address does not have."""
        names = [name for name, _ in query]
        if sorted(names) != sorted(self.query):
            return False
        return all(self.query[name] in (None, value) for name, value in query)


def plain_path(path: str) -> str:
    """The path without what changes from session to session."""
    return _SESSION_ID.sub("", path) or "/"
