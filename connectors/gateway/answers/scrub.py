"""Taking secrets out of what a legacy system answers, in whichever usual writing they come back.

Each secret becomes one expression that takes any of its characters in any writing (see `writings`). The engine is RE2:
it works in time linear in the answer and in bounded memory, whatever the answer says.

Letters are found in either case, for there are systems that echo in capitals.

What is not found: a secret that is encrypted, hashed, compressed, reversed, shuffled or cut in pieces; one with tags,
comments or spaces between its characters; one in an escape inside more levels of escapes than `writings` lists; base64
of base64 or of an escaped text; escapes in a page that is written in UTF-16; a secret of fewer than four bytes, which
would be found everywhere. A system that means harm received the password rightly and can write it as it likes: this is
for systems that echo, not against those.

A secret of more than 32 characters is looked for in pieces of 16 to 31, in one level of escapes, and in base64 and
hexadecimal of UTF-8 only; in base64 up to three digits may stay at each seam. Of one of more than 128 characters, a
cipher say, letters and digits are found as they are, no base64 or hexadecimal of it, and nothing behind the 4096th
character, or behind the 128th where not all are ASCII.

Every secret is treated alike, common words too: that of a person whose password is `login` spoils that person's pages,
and only those.
"""

import codecs
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

import re2

from connectors.gateway.answers.expression import Row, beginning, longest, occurrence
from connectors.gateway.answers.writings import rows

_SHORTEST = 4
_MASK_LENGTH = 6
# The first is used that no secret holds: what replaces a secret must not make another one with what stands beside it.
_MASKS = b"*!~."
_CHARSETS = ("utf-8", "gb18030")
# What one expression may take: the program itself and the states that an answer makes of it.
_MEMORY = 8 << 20
# No page shows a password so often. What does is written to keep the processor busy, and is cut off there.
_MANY = 1000
_BYTES_EACH = 256

Secret = bytes | bytearray


class _Match(Protocol):
    def span(self) -> tuple[int, int]: ...


class _Expression(Protocol):
    def search(self, text: bytes, pos: int = 0) -> _Match | None: ...

    def finditer(self, text: bytes) -> Iterator[_Match]: ...


class Scrubber:
    """Finds a set of secrets. Made once for an answer, or kept with a session; any number of streams may use it."""

    def __init__(self, secrets: Iterable[Secret], charsets: Iterable[str] = ()) -> None:
        """`charsets` are labels that the answer goes by; UTF-8 and GB18030 are always looked for."""
        distinct = {bytes(secret): bytearray(secret) for secret in secrets if len(secret) >= _SHORTEST}
        # The longest first: what is left of one must not stand beside the mask of a shorter one that it begins with.
        self._secrets = sorted(distinct.values(), key=len, reverse=True)
        known = _known((*_CHARSETS, *charsets))
        self._finders = [_Finder(_rows(secret, known)) for secret in self._secrets]
        self.mask = _mask(self._secrets)
        self.found = 0
        self._is_wiped = False

    def __repr__(self) -> str:
        return f"Scrubber(found={self.found})"

    def scrub(self, answer: bytes) -> bytes:
        """A whole body. `found` grows by the number of secrets that were replaced."""
        return self.stream().finish(answer)

    def fields(self, headers: Sequence[tuple[str, str]], known_cookies: Collection[str] = ()) -> list[tuple[str, str]]:
        """Header fields without the secrets in their values, and without those whose names hold one.

        The name of a cookie that the browser has sent is no secret to it: where a password is the same word, the system
        would not know its own session again without it.
        """
        # Mostly nothing is there: one look at all of them tells.
        if not self.carries("\n".join(f"{name}: {value}" for name, value in headers).encode("latin-1")):
            return list(headers)
        return [
            (name, self._field(name, value, known_cookies))
            for name, value in headers
            if not self.carries(name.encode("latin-1"))
        ]

    def _field(self, name: str, value: str, known_cookies: Collection[str]) -> str:
        cookie, equals, rest = value.partition("=")
        kept = f"{cookie}{equals}" if name.lower() == "set-cookie" and cookie.strip() in known_cookies else ""
        return kept + self.scrub((rest if kept else value).encode("latin-1")).decode("latin-1")

    def carries(self, answer: bytes) -> bool:
        """Whether a secret stands in there; nothing is counted."""
        return any(finder.carries(answer) for finder in self.finders)

    def stream(self) -> "Stream":
        """For one answer that comes in pieces."""
        return Stream(self)

    def wipe(self) -> None:
        """Forgets the secrets. The expressions made of them are freed, which in Python does not overwrite them."""
        for secret in self._secrets:
            secret[:] = bytes(len(secret))
        self._secrets, self._finders = [], []
        self._is_wiped = True

    @property
    def finders(self) -> Sequence["_Finder"]:
        """One for each secret. What is wiped finds nothing, and must not pass for an answer in which there is nothing:
        raises ValueError."""
        if self._is_wiped:
            raise ValueError("this scrubber was wiped")
        return self._finders


class _Finder:
    """Finds one secret in all its writings. An expression for several at once would have more states than the engine
    keeps, and be a hundred times as slow."""

    def __init__(self, expected: Iterable[Row]) -> None:
        known = list(expected)
        self._occurrence = _compiled(occurrence(known))
        self._beginning = _compiled(beginning(known))
        self._longest = longest(known)

    def carries(self, answer: bytes) -> bool:
        return self._occurrence.search(answer) is not None

    def occurrences(self, answer: bytes, before: int) -> Iterator[tuple[int, int]]:
        """Where the secret stands that begins before the place `before`."""
        for match in self._occurrence.finditer(answer):
            start, end = match.span()
            if start >= before:
                return
            yield start, end

    def begun(self, answer: bytes) -> int:
        """From where on the answer's end may be the beginning of the secret; its length where it is not."""
        match = self._beginning.search(answer, max(0, len(answer) - self._longest + 1))
        return match.span()[0] if match is not None else len(answer)


class Stream:
    """One answer. However it is cut into pieces, the same comes out."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._sieves = [_Sieve(scrubber, finder) for finder in scrubber.finders]

    @property
    def is_cut(self) -> bool:
        """The answer held so many secrets that the rest of it is withheld."""
        return any(sieve.is_cut for sieve in self._sieves)

    def feed(self, piece: bytes) -> bytes:
        """What can be passed on so far; the few bytes are held back that may begin a secret."""
        for sieve in self._sieves:
            piece = sieve.feed(piece)
        return piece

    def finish(self, piece: bytes = b"") -> bytes:
        """The last of it."""
        for sieve in self._sieves:
            piece = sieve.finish(piece)
        return piece


class _Sieve:
    """Takes one secret out of one answer."""

    def __init__(self, scrubber: Scrubber, finder: _Finder) -> None:
        self._scrubber = scrubber
        self._finder = finder
        self._held = b""
        self._passed = 0
        self._replaced = 0
        self.is_cut = False

    def feed(self, piece: bytes) -> bytes:
        answer = self._held + piece
        return self._freed(answer, self._finder.begun(answer))

    def finish(self, piece: bytes) -> bytes:
        answer = self._held + piece
        return self._freed(answer, len(answer))

    def _freed(self, answer: bytes, end: int) -> bytes:
        """Everything before `end`, with a mask for each secret that begins there."""
        if self.is_cut:
            return b""
        freed: list[bytes] = []
        at = 0
        for start, stop in self._finder.occurrences(answer, end):
            freed += (answer[at:start], self._scrubber.mask)
            at = stop
            self._replaced += 1
            self._scrubber.found += 1
            if self._replaced > _MANY + (self._passed + stop) // _BYTES_EACH:
                self.is_cut = True
                self._held = b""
                return b"".join(freed)
        done = max(at, end)
        freed.append(answer[at:done])
        self._held = answer[done:]
        self._passed += done
        return b"".join(freed)


def _rows(secret: bytearray, charsets: Sequence[str]) -> Iterator[Row]:
    try:
        text = secret.decode("utf-8")
    except UnicodeDecodeError:
        return rows(secret.decode("latin-1"), ("latin-1",))
    return rows(text, charsets)


def further_charset(label: str | None) -> str:
    """The charset of that label, where something more is looked for in it; else an empty text."""
    further = [name for name in _known([label or ""]) if name not in _known(_CHARSETS)]
    return further[0] if further else ""


def _known(charsets: Iterable[str]) -> list[str]:
    """Those that Python has, each once. UTF-16 is always looked for, and written with a mark it is no other."""
    names: dict[str, None] = {}
    for charset in charsets:
        try:
            name = codecs.lookup(charset).name
            "é".encode(name, "replace")
        except (LookupError, ValueError):
            continue
        if not name.startswith(("utf-16", "utf-32")):
            names[name] = None
    return list(names)


def _mask(secrets: Sequence[bytearray]) -> bytes:
    sign = next((sign for sign in _MASKS if not any(sign in secret for secret in secrets)), _MASKS[0])
    return bytes((sign,)) * _MASK_LENGTH


def _compiled(expression: bytes) -> _Expression:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.longest_match = True
    options.max_mem = _MEMORY
    # Its messages show the expression, which is the secret.
    options.log_errors = False
    try:
        compiled: _Expression = re2.compile(expression, options)
    except re2.error:
        raise RuntimeError("the secrets are too long to look for") from None
    finally:
        # Nothing of it may stay in the cache of the module.
        re2.purge()
    return compiled
