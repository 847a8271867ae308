"""Whether a request is a sign-in that takes the password, and where in it: a pure decision over typed values.

The order is: the known login requests; then, in a supervised sign-in, what may be learned; then, where the dummy was
seen anywhere else, a refusal. Nothing here opens an Item.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.gateway.session.fills import Fill
from connectors.gateway.swap.body import ParsedBody, stand_once
from connectors.gateway.swap.recognise import PLAIN, Making, described_making, hides, looks_made, makings
from connectors.legacy.page.words import identifier, names_password
from connectors.legacy.recipe.transforms import Transform, compile_transform
from connectors.login_requests import LoginRequest, RequestLine, Source
from connectors.login_requests.generation import Login
from connectors.login_requests.learning import Seen, objection_to, request_of
from connectors.login_requests.store import Knowledge, Known

# What a page makes of twelve characters is no shorter; flags and numbers are.
_LEAST_MADE = 6
# User name and password in one value, and perhaps the key's name beside it.
_SEALED_TOGETHER = 2
_STATE = frozenset(
    {
        *(
            "token",
            "csrf",
            "xsrf",
            "viewstate",
            "state",
            "nonce",
            "sign",
            "signature",
            "timestamp",
            "session",
            "ticket",
        ),
        *("client", "code", "id", "uuid"),
    }
)


@dataclass(frozen=True)
class Sent:
    """A request that may be a sign-in. `filled` names the fill that the page holds, untouched by the person. It
    `may_teach` where nothing of other days stands behind it: a message of a socket that was open before may not.

    `recipe` is the transform of the system's recipe with its variables, where it has one; else `salts` are tried.
    """

    line: RequestLine
    body: ParsedBody
    salts: Sequence[str] = field(repr=False)
    filled: str = ""
    may_teach: bool = True
    recipe: Transform | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def values(self) -> dict[str, str | None]:
        return {place.name: place.value for place in self.body.places}


@dataclass(frozen=True)
class Exchange:
    """Put the password in at these names, as `request` says. Where that is not `known`, a success of it teaches it."""

    places: Mapping[str, Making] = field(repr=False)
    request: LoginRequest
    known: Known | None = None

    @property
    def taught(self) -> LoginRequest | None:
        return self.request if self.known is None else None


@dataclass(frozen=True)
class Refusal:
    code: str
    why: str


def decide(sent: Sent, fill: Fill, login: str | None, knowledge: Knowledge) -> Exchange | Refusal | None:
    """None for a request that has nothing of this fill. `login` is the user name of the fill's Item."""
    texts = [place.value for place in sent.body.places if place.value]
    plain = {place.name for place in sent.body.places if place.value == fill.dummy}
    for known in (*knowledge.requests, *_taught_by(fill)):
        if known.request.is_at(sent.line) and known.request.kind in (None, sent.body.kind):
            places = _places_in(known, sent, fill)
            if places and plain <= places.keys() and stand_once(sent.body, places):
                return Exchange(places, known.request, known)
    if sent.may_teach and _may_learn(fill, knowledge) and (found := _learnable(sent, fill, login)) is not None:
        return found
    if plain or hides(fill.dummy, texts):
        return _elsewhere(knowledge, sent.line)
    if _is_unknown_making(sent, fill, login, knowledge):
        return Refusal("ERR-NEEDS_RECIPE", "the page encrypts passwords: it needs a recipe")
    return None


def _taught_by(fill: Fill) -> list[Known]:
    """What this very sign-in has taught a moment ago: a check that is followed by the form, or an address to which the
    system itself has sent the request on (307, 308)."""
    if not fill.is_good_again:
        return []
    return [
        Known("", Login("", None), None, Source.LEARNED, one, fill.created_at, is_confirmed=False)
        for one in fill.taught
    ]


def _may_learn(fill: Fill, knowledge: Knowledge) -> bool:
    """A fill of a supervised sign-in; also for the request that follows the one which was accepted a moment ago."""
    return fill.supervised and (knowledge.may_learn or fill.is_good_again)


def _places_in(known: Known, sent: Sent, fill: Fill) -> dict[str, Making]:
    """Where the known request takes the password; empty where this is not it."""
    request = known.request
    if not request.has_constants(sent.body.leaves):
        return {}
    # The author of a recipe may write a member of a JSON document by its name.
    start = "/" if sent.body.kind == "json" and known.source is Source.RECIPE else ""
    wanted = {start + name.removeprefix(start): one for name, one in request.passwords.items()}
    found = _made_in(sent, fill, wanted, is_described=known.source is Source.RECIPE)
    places = {
        name: making
        for name, making in found.items()
        if not (name in request.made_only and making.transform.expression == PLAIN)
    }
    is_whole = all(name in places for name, one in wanted.items() if one is not None)
    return places if is_whole else {}


def _made_in(
    sent: Sent, fill: Fill, wanted: Mapping[str, str | None], *, is_described: bool = False
) -> dict[str, Making]:
    """The named places that hold the dummy, each with how the page made it. A recipe's transform counts wherever the
    login request does not say another."""
    values = {name: sent.values.get(name) for name in wanted}
    if sent.recipe is None and not is_described:
        return makings(fill.dummy, values, sent.salts, wanted)
    described = {
        name: compile_transform(one) if one is not None else sent.recipe
        for name, one in wanted.items()
        if one is not None or sent.recipe is not None
    }
    found = {
        name: described_making(fill.dummy, values[name], transform, sent.variables)
        for name, transform in described.items()
        if transform is not None
    }
    return {name: making for name, making in found.items() if making is not None}


def _learnable(sent: Sent, fill: Fill, login: str | None) -> Exchange | Refusal | None:
    values = sent.values
    candidates = [name for name, value in values.items() if _may_be_password(name, fill) or value == fill.dummy]
    places = _made_in(sent, fill, dict.fromkeys(candidates))
    if not places or not stand_once(sent.body, places):
        return None
    seen = Seen(
        line=sent.line,
        kind=sent.body.kind,
        values=[(place.name, place.value) for place in sent.body.places],
        places={name: making.transform.expression for name, making in places.items()},
        login=login or "",
        asks_username=fill.asks_username and bool(login),
        filled=fill.password_names,
        presets=fill.presets.beside(sent.line, sent.body.kind),
    )
    objection = objection_to(seen)
    if objection is not None:
        return Refusal("ERR-FILL", f"{sent.line.method} {sent.line.path[:100]}: {objection}")
    return Exchange(places, request_of(seen))


def _elsewhere(knowledge: Knowledge, line: RequestLine) -> Refusal:
    where = f"{line.method} {line.path[:100]}"
    if any(one.is_confirmed for one in knowledge.requests):
        return Refusal("ERR-LOGIN_CHANGED", f"{where} is not the login request that is known")
    return Refusal("ERR-FILL", f"{where}: the dummy stands where none was put")


def _is_unknown_making(sent: Sent, fill: Fill, login: str | None, knowledge: Knowledge) -> bool:
    """A login request holds something in the password's place that no person typed and no dummy explains. Sent on, it
    would count as a wrong password."""
    if fill.is_used:
        return False
    values, was_filled = sent.values, fill.id == sent.filled
    known = [one.request for one in knowledge.requests if one.request.is_at(sent.line)]
    names = {name for request in known for name in request.passwords if name not in request.made_only}
    if not names and _may_learn(fill, knowledge) and (not fill.asks_username or login in values.values()):
        names = {name for name in values if _may_be_password(name, fill)}
    if was_filled and len(values) <= _SEALED_TOGETHER and not any(map(_is_state, values)):
        names |= {name for name, value in values.items() if looks_made(value or "")}
    return any(_is_made(values.get(name), was_filled=was_filled) for name in names)


def _is_state(name: str) -> bool:
    """Fields that hold what scripts and servers tell each other."""
    return any(word in _STATE for word in identifier(name).split())


def _is_made(value: str | None, *, was_filled: bool) -> bool:
    return bool(value) and (looks_made(value or "") or (was_filled and len(value or "") >= _LEAST_MADE))


def _may_be_password(name: str, fill: Fill) -> bool:
    return names_password(name) or name.rsplit("/", 1)[-1] in fill.password_names


def may_matter(line: RequestLine, body: ParsedBody, fill: Fill, knowledge: Knowledge) -> bool:
    """Whether a message deserves a closer look: it is cheap to say, and most messages of a socket do not."""
    if any(known.request.is_at(line) and known.request.has_constants(body.leaves) for known in knowledge.requests):
        return True
    texts = [place.value for place in body.places if place.value]
    return hides(fill.dummy, texts) or any(
        _may_be_password(place.name, fill) or looks_made(place.value or "") for place in body.places
    )


def speaks_of(dummies: Collection[str], text: str) -> bool:
    """Whether a text of a request holds one of the dummies."""
    return any(dummy in text for dummy in dummies if dummy)
