"""What a first, supervised sign-in may teach: a request of a conservative shape, and nothing else.

The dummy was put in by Yimen's script a moment ago, into the page at the system's login address, in a session of the
legacy host that began with it. A request teaches when everything in it is accounted for: the user name in one field,
the password in others, and beside them only what programs say to each other, or what the form of the page presets.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.legacy.page.words import names_password
from connectors.login_requests.request import (
    GRAPHQL,
    MESSAGE_KINDS,
    SIGN_IN,
    SOCKET,
    WORD,
    Kind,
    LoginRequest,
    Method,
    RequestLine,
    fixed_query,
    says_what,
)

_PLAIN = "password"
_METHODS: Mapping[str, Method] = {"POST": "POST", "PUT": "PUT", SOCKET: SOCKET}
_MOST_PLACES = 3
_MOST_FIELDS = 40
# Tokens, digests, identifiers, codes, flags, words: what programs say to each other has no spaces and no markup.
_TOKEN = re.compile(r"[A-Za-z0-9_+/=.:@,~$!*|%-]{0,4096}\Z")
# A short text of a person's language: a unit that was chosen, a captcha of characters.
_SHORT_WORD = re.compile(r"\w{1,12}\Z")
# A request that keeps, changes or publishes something is no sign-in, whatever else it looks like: words of its address,
# and beginnings of words.
_OTHER_PURPOSES = frozenset(
    {
        *(
            "profile",
            "setting",
            "settings",
            "save",
            "saving",
            "post",
            "posts",
            "reply",
            "replies",
            "comment",
            "comments",
        ),
        *(
            "message",
            "messages",
            "note",
            "notes",
            "feedback",
            "add",
            "members",
            "users",
            "employees",
            "zhuce",
            "xiugai",
        ),
        *("signup", "search"),
    }
)
_OTHER_BEGINNINGS = (
    *("regist", "reset", "forget", "forgot", "chang", "modif", "updat", "edit", "creat", "insert", "upload", "import"),
    *("delet", "remov", "send", "publish"),
)
_WORDS_OF_A_PATH = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Members of a message that say what it is, beside those that say so in bodies; in Socket.IO it is the first element.
_NAMES_A_MESSAGE = re.compile(
    r"/(type|msg|kind|target|name|msgtype|messagetype|path|url|uri|topic|channel)\Z", re.IGNORECASE
)
_EVENT = "/0"


@dataclass(frozen=True)
class Seen:
    """A request in which the dummy was found. `values` are all texts of its body by name; `places` are the names that
    hold the dummy, each with the transform that the page made of it; `filled` are the names of the field in the page,
    `presets` the labels that its form presets (presets.py).
    """

    line: RequestLine
    kind: Kind
    values: Sequence[tuple[str, str | None]] = field(repr=False)
    places: Mapping[str, str]
    login: str
    asks_username: bool
    filled: Collection[str] = ()
    presets: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def others(self) -> list[tuple[str, str | None]]:
        return [(name, value) for name, value in self.values if name not in self.places]

    @property
    def said(self) -> list[tuple[str, str]]:
        """What is there beside user name and password."""
        return [(name, value) for name, value in self.others if value is not None and value != self.login]

    @property
    def usernames(self) -> list[str]:
        return [name for name, value in self.others if value == self.login]


def objection_to(seen: Seen) -> str | None:
    """Why this request is not one to learn; None when it may be."""
    return next((why for why, holds in _OBJECTIONS if holds(seen)), None)


def request_of(seen: Seen) -> LoginRequest:
    """The login request of a request to which there is no objection."""
    return LoginRequest(
        origin=seen.line.origin,
        method=_METHODS[seen.line.method],
        path=seen.line.path,
        query=fixed_query(seen.line.query),
        kind=seen.kind,
        username=next(iter(seen.usernames), None),
        passwords=dict(seen.places),
        constants=_constants(seen),
    )


def _constants(seen: Seen) -> dict[str, str]:
    says = _says_which if seen.kind in MESSAGE_KINDS else says_what
    return {name: value for name, value in seen.said if says(name, value)}


def _says_which(name: str, value: str) -> bool:
    """Everything goes over one socket, so whatever tells its messages apart is a part of the login request."""
    if says_what(name, value) or name == _EVENT:
        return True
    return _NAMES_A_MESSAGE.match(name) is not None and WORD.match(value) is not None


def _is_named_for_it(seen: Seen) -> bool:
    return all(
        names_password(name) or _last(name) in seen.filled or (_last(name).isdecimal() and _calls_a_sign_in(seen))
        for name in seen.places
    )


def _calls_a_sign_in(seen: Seen) -> bool:
    """Whether the body says in words that it is one: then an argument need not have a name (JSON-RPC 2.0 §4.2)."""
    return any(says_what(name, value) and SIGN_IN.search(value) for name, value in seen.said)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _is_another_message(seen: Seen) -> bool:
    return seen.kind in MESSAGE_KINDS and any(map(_speaks_of_something_else, _constants(seen).values()))


def _needs_username(seen: Seen) -> bool:
    """A page that its script draws does not tell what it asks for; over a socket that is not left open."""
    return seen.asks_username or (bool(seen.login) and seen.kind in MESSAGE_KINDS)


def _is_silent_message(seen: Seen) -> bool:
    """An address takes one thing, a socket takes all: its message says in a word that it signs in."""
    return seen.kind in MESSAGE_KINDS and not any(SIGN_IN.search(one) for one in _constants(seen).values())


def _speaks_of_something_else(path: str) -> bool:
    words = [word.lower() for word in _WORDS_OF_A_PATH.findall(path)]
    return any(word in _OTHER_PURPOSES or word.startswith(_OTHER_BEGINNINGS) for word in words)


_OBJECTIONS: Sequence[tuple[str, Callable[[Seen], bool]]] = (
    ("the method is none of a sign-in", lambda seen: seen.line.method not in _METHODS),
    ("the password stands in no field, or in too many", lambda seen: not 0 < len(seen.places) <= _MOST_PLACES),
    (
        "the password itself stands in several fields",
        lambda seen: len(seen.places) > 1 and _PLAIN in seen.places.values(),
    ),
    ("the field is not named for a password", lambda seen: not _is_named_for_it(seen)),
    ("too many fields", lambda seen: len(seen.values) > _MOST_FIELDS),
    ("the user name stands in several fields", lambda seen: len(seen.usernames) > 1),
    ("the user name does not stand beside it", lambda seen: _needs_username(seen) and not seen.usernames),
    ("free text stands beside it", lambda seen: not all(_is_accounted_for(seen, *pair) for pair in seen.others)),
    (
        "the address speaks of something else than signing in",
        lambda seen: _speaks_of_something_else(seen.line.path),
    ),
    ("the message speaks of something else than signing in", _is_another_message),
    ("the message does not say that it signs in", _is_silent_message),
)


def _is_accounted_for(seen: Seen, name: str, value: str | None) -> bool:
    return value == seen.login or value in seen.presets.get(name, ()) or is_said_by_program(name, value)


def is_said_by_program(name: str, value: str | None) -> bool:
    if value is None:
        return False
    return bool(_TOKEN.match(value) or _SHORT_WORD.match(value) or (says_what(name, value) and GRAPHQL.match(value)))
