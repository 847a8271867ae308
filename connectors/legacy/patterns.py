"""Regular expressions for text that others wrote: pages, answers, recipes.

They run in RE2, whose time is linear in the text whatever the expression is (https://swtch.com/~rsc/regexp/regexp3.html).
It knows no look-around and no back-references; `\\b`, `\\w` and `\\s` are about ASCII.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol, cast

import re2


class Match(Protocol):
    """What was found; `[n]` is the group, None where it took no part."""

    def __getitem__(self, group: int | str) -> str: ...

    def end(self) -> int: ...


class PatternError(ValueError):
    """The expression is none that can be run in linear time; the message says why."""


class Pattern:
    """A compiled expression. Raises PatternError for one that RE2 does not know."""

    def __init__(self, expression: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._compiled = re2.compile(_sound(expression), options)
        except re2.error as error:
            raise PatternError(_message(error)) from None
        self.expression = expression
        self.groups: int = self._compiled.groups

    def search(self, text: str) -> Match | None:
        return cast(Match | None, self._compiled.search(_sound(text)))

    def fullmatch(self, text: str) -> Match | None:
        return cast(Match | None, self._compiled.fullmatch(_sound(text)))

    def match(self, text: str, position: int = 0) -> Match | None:
        return cast(Match | None, self._compiled.match(_sound(text), position))

    def all(self, text: str, most: int) -> Iterator[Match]:
        """The matches one after the other, at most so many."""
        return cast(Iterator[Match], islice(self._compiled.finditer(_sound(text)), most))

    def findall(self, text: str) -> list[str]:
        """What the only group found, each time; the whole match where there is no group."""
        return cast(list[str], self._compiled.findall(_sound(text)))

    def pairs(self, text: str) -> list[tuple[str, str]]:
        """What the two groups found, each time."""
        return cast(list[tuple[str, str]], self._compiled.findall(_sound(text)))

    def replace(self, by: str | Callable[[Match], str], text: str) -> str:
        return cast(str, self._compiled.sub(by, _sound(text)))

    def __repr__(self) -> str:
        return f"Pattern({self.expression!r})"


def escaped(text: str) -> str:
    """An expression that matches this text alone."""
    return cast(str, re2.escape(_sound(text)))


def _sound(text: str) -> str:
    """Text that UTF-8 can say: JSON brings lone surrogates."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _message(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
