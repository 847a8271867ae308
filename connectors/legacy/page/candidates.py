"""The groups of controls that could be a login form, each with the roles of its controls and a score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.alternatives import alternative_username
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import attribute, has, said_by
from connectors.legacy.page.groups import around, groups_of
from connectors.legacy.page.pin import PIN, pin_of
from connectors.legacy.page.roles import Guess, Kind, guess, guess_beside_password, is_phone

# A page is hostile until proven otherwise.
_MAX_CANDIDATES = 30
_HINT = Guess("other", "the hint of the password field beside it", 0.6)
_CHOSEN = Guess("username", "the first of what the form takes for it", 0.7)
_FAMILY_NAME = Guess("person", "the family name: the person types it", 0.8, "family_name")


@dataclass
class Candidate:
    """`container` is what holds all of it: the form, or where there is none the smallest element around. `passwords`
    are those that can be seen, or that a script will show; `hint` is a field that gives way to the password."""

    page: Page
    url: str
    form: LexborNode | None
    container: LexborNode | None
    controls: list[Control]
    roles: dict[int, Guess]
    passwords: list[Control]
    username: Control | None
    hint: Control | None = None
    stands_beside_registration: bool = False
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def password(self) -> Control:
        return self.passwords[0]

    @property
    def is_unseen(self) -> bool:
        """True when the page's script has yet to show it."""
        return bool(self.passwords) and self.password.hidden != "" and self.hint is None

    @property
    def asks_in_steps(self) -> bool:
        """True when the password is hidden for itself, beside a user name that is seen: it is asked for after that."""
        return self.is_unseen and self.password.hidden_itself and self.username is not None and not self.username.hidden

    @cached_property
    def pressed(self) -> list[LexborNode]:
        """What can be pressed in it."""
        return [node for node in self.page.clickables if self.owns(node)]

    @cached_property
    def says(self) -> list[str]:
        """What its buttons say; a link that leads elsewhere is none."""
        return [words.folded(said_by(node)) for node in self.pressed if not leads_away(node)]

    @cached_property
    def sends(self) -> list[str]:
        """What the buttons say that send it; where it has none, what everything else does that can be pressed."""
        native = [words.folded(said_by(node)) for node in self.pressed if node.tag in ("button", "input")]
        return native or self.says

    @cached_property
    def named(self) -> str:
        """How programs call the form."""
        if self.form is None:
            return ""
        parts = [attribute(self.form, name) for name in ("id", "name", "class")]
        return words.identifier(" ".join([*parts, _path_and_query(attribute(self.form, "action"))]))

    @cached_property
    def headings(self) -> str:
        """What stands over it: the headings in it or the last one before it, and the page's title and path - but where
        another form of the page sets a password: then they may speak of that."""
        own = [one.text for one in self.page.headings if self.page.holds(self.container, one.node)]
        before = [one.text for one in self.page.headings if one.index <= self.password.index]
        return " · ".join([*(own or before[-1:]), *([] if self.stands_beside_registration else self._of_the_page())])

    def _of_the_page(self) -> list[str]:
        title = self.page.document.first("title")
        titled = [words.folded(title.text())] if title is not None else []
        return [*titled, words.identifier(_path_and_query(self.url))]

    def others(self, kind: str) -> list[Control]:
        """The controls of this kind, but the user name."""
        return [
            one
            for one in self.controls
            if self.roles[one.index].kind == kind and (self.username is None or one.index != self.username.index)
        ]

    def owns(self, node: LexborNode) -> bool:
        """True for an element inside the container, or for a control whose form this is."""
        if any(control.node.mem_id == node.mem_id for control in self.controls):
            return True
        return self.page.holds(self.container, node)


def candidates_of(page: Page, url: str) -> Iterator[Candidate]:
    """Every form that asks for a password, and the fields outside of all forms when they do."""
    found = ((controls, *_passwords(controls)) for controls in groups_of(page))
    asking = islice((one for one in found if one[2]), _MAX_CANDIDATES)
    for controls, roles, passwords, hint in asking:
        yield _assembled(page, url, controls, roles, passwords, hint)


def leads_away(node: LexborNode) -> bool:
    """Whether pressing it only opens another page."""
    target = attribute(node, "href")
    return node.tag == "a" and target != "" and not target.startswith(("#", "javascript:")) and not has(node, "onclick")


def _path_and_query(address: str) -> str:
    """What is after the host, for "login" in a host name says nothing of one page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.path} {parts.query}"


def _passwords(controls: Sequence[Control]) -> tuple[dict[int, Guess], list[Control], Control | None]:
    """The roles; the password fields that can be seen, else those that a script will show, else a text field that is
    one; and the field whose hint gives way to the password."""
    roles = {control.index: guess(control) for control in controls}
    typed = [one for one in controls if one.type == "password"]
    seen = _without_twins([one for one in typed if roles[one.index].role == "password"])
    lookalikes = [one for one in controls if one.is_text and roles[one.index].role == "password"]
    if seen:
        roles |= {one.index: guess_beside_password(one) for one in lookalikes}
        return roles, seen, None
    if found := _swapped(typed, lookalikes):
        return roles | {found[0].index: _shown(), found[1].index: _HINT}, [found[0]], found[1]
    if lookalikes or not typed:
        return roles, lookalikes, None
    if pin := pin_of(typed):
        return roles | {pin.index: PIN}, [pin], None
    return _revealed(controls, typed)


def _without_twins(passwords: Sequence[Control]) -> list[Control]:
    """Without those that cannot be sent, where one that can says the same: the page shows one or the other of them."""
    sent = {one.hint for one in passwords if one.identifiers and one.hint}
    return [one for one in passwords if one.identifiers or one.hint not in sent]


def _shown() -> Guess:
    return Guess("password", "type=password, shown by the page's script", 0.75)


def _swapped(typed: Sequence[Control], hints: Sequence[Control]) -> tuple[Control, Control] | None:
    """`<input value="密码"><input type=password style="display:none">`: the first is only the hint for the second."""
    for hidden in typed:
        for hint in hints:
            if hidden.hidden_itself and abs(hidden.index - hint.index) == 1:
                return hidden, hint
    return None


def _revealed(
    controls: Sequence[Control], typed: Sequence[Control]
) -> tuple[dict[int, Guess], list[Control], Control | None]:
    """Where the whole login stands in a panel that is not shown yet, what the panel alone hides counts as seen."""
    panel = next((one.hider for one in typed if not one.hidden_itself), None)
    if panel is None:
        return _revealed_by_its_hint(controls, typed)
    shown = [replace(one, hidden="") if one.hider == panel else one for one in controls]
    if not any(one.is_text and guess(one).role == "username" for one in shown):
        # Each row of the panel may be hidden by itself.
        shown = [replace(one, hidden="") if one.hidden and not one.hidden_itself else one for one in controls]
    roles = {one.index: guess(one) for one in shown}
    passwords = [one for one in typed if one.hider == panel and roles[one.index].role == "password"]
    roles |= {one.index: _shown() for one in passwords}
    roles |= {one.index: guess_beside_password(one) for one in shown if passwords and one.is_text}
    return roles, passwords, None


def _revealed_by_its_hint(
    controls: Sequence[Control], typed: Sequence[Control]
) -> tuple[dict[int, Guess], list[Control], Control | None]:
    """Both at once: a panel that is not shown, and in it a hint in place of the password."""
    shown = [replace(one, hidden="") if one.hidden and not one.hidden_itself else one for one in controls]
    roles = {one.index: guess(one) for one in shown}
    hints = [one for one in shown if one.is_text and roles[one.index].role == "password"]
    found = _swapped(typed, hints)
    if found is None:
        return _hidden_for_itself(controls, typed)
    return roles | {found[0].index: _shown(), found[1].index: _HINT}, [found[0]], None


def _hidden_for_itself(
    controls: Sequence[Control], typed: Sequence[Control]
) -> tuple[dict[int, Guess], list[Control], Control | None]:
    """A password that the page shows once it knows who it is, or that it shows together with the user name."""
    roles = {one.index: guess(one) for one in controls}
    asked = guess(replace(typed[0], hidden=""))
    if len(typed) > 1 or asked.role != "password":
        return roles, [], None
    if not any(one.role == "username" for one in roles.values()):
        alike = [replace(one, hidden="") for one in controls if one.is_text and one.hidden == typed[0].hidden]
        roles |= {one.index: guess_beside_password(one) for one in alike}
    return roles | {typed[0].index: _shown()}, [typed[0]], None


def _assembled(
    page: Page,
    url: str,
    controls: list[Control],
    roles: dict[int, Guess],
    passwords: list[Control],
    hint: Control | None,
) -> Candidate:
    password = passwords[0]
    username = _username(page, controls, roles, password)
    form = password.form
    container = form if form is not None and form.first_child is not None else around(page, password, username)
    if form is None:
        controls = [one for one in controls if container is None or page.holds(container, one.node)]
        passwords = [one for one in passwords if container is None or page.holds(container, one.node)]
    candidate = Candidate(page, url, form, container, controls, roles, passwords, username, hint)
    _settle(candidate)
    return candidate


def _username(page: Page, controls: Sequence[Control], roles: dict[int, Guess], password: Control) -> Control | None:
    """The user name: where the form takes one of several, the first; else before the password rather than after it,
    then the surest, then the nearest. Without any: a text field that nothing is known of, or the unit or office that
    signs in as such."""
    if chosen := alternative_username(page, controls, password):
        roles[chosen.index] = _CHOSEN
        return chosen
    named = [one for one in controls if roles[one.index].role == "username"]
    if named:
        return max(
            named,
            key=lambda one: (
                one.is_text,
                roles[one.index].kind not in ("personal", "family_name", "card"),
                roles[one.index].kind != "phone",
                one.index < password.index,
                roles[one.index].confidence,
                -abs(one.index - password.index),
            ),
        )
    return _wordless_username(controls, roles, password)


def _wordless_username(controls: Sequence[Control], roles: dict[int, Guess], password: Control) -> Control | None:
    unknown = [one for one in controls if one.is_text and roles[one.index].kind == "unknown"]
    before = [one for one in unknown if one.index < password.index]
    units = [
        one for one in controls if one.is_text and one.index < password.index and roles[one.index].role == "tenant"
    ]
    for found, why in (
        (before[-1:], "the text field before the password"),
        (units[-1:], "the unit that signs in"),
        (unknown if len(unknown) == 1 else [], "the only other text field"),
    ):
        if found:
            roles[found[0].index] = Guess("username", why, 0.6)
            return found[0]
    return None


def _settle(candidate: Candidate) -> None:
    """One user name and one password: what else looked like either is something else."""
    username = candidate.username.index if candidate.username is not None else None
    for control in candidate.controls:
        known = candidate.roles[control.index]
        if known.role == "password" and control.index != candidate.password.index:
            candidate.roles[control.index] = Guess("other", "another password field", 0.5)
        if known.kind == "family_name" and control.index != username:
            candidate.roles[control.index] = _FAMILY_NAME
        elif known.role == "username" and control.index != username:
            kind: Kind = "phone" if control.is_text and is_phone(control) else known.kind
            candidate.roles[control.index] = Guess("other", "another field that could name the person", 0.5, kind)
