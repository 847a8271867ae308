"""The groups of controls that could be a login form, each with the roles of its controls and a score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import attribute, lineage, said_by
from connectors.legacy.page.roles import Guess, guess, is_setting
from connectors.legacy.page.visibility import NOT_DISPLAYED

_NEEDED = 3.0
_MANY_FIELDS = 5


@dataclass
class Candidate:
    """`container` is what holds all of it: the form, or where there is none the smallest element around."""

    form: LexborNode | None
    container: LexborNode | None
    controls: list[Control]
    roles: dict[int, Guess]
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)

    @property
    def is_login(self) -> bool:
        return self.score >= _NEEDED

    @property
    def is_unseen(self) -> bool:
        """True when the page's script has yet to show it."""
        return any(one.hidden and self.roles[one.index].role == "password" for one in self.controls)

    def owns(self, node: LexborNode) -> bool:
        """True for an element inside the container, or for a control whose form this is."""
        if any(control.node.mem_id == node.mem_id for control in self.controls):
            return True
        return self.container is not None and _inside(node, self.container)

    def add(self, points: float, reason: str) -> None:
        self.score += points
        self.reasons.append(reason)


def candidates_of(page: Page) -> Iterator[Candidate]:
    """Every form that asks for a password, and the fields outside of all forms when they do."""
    for controls in _groups(page):
        guesses = {control.index: guess(control) for control in controls}
        passwords = _passwords(controls, guesses)
        if passwords:
            candidate = _assembled(page, controls, guesses, passwords)
            _score(page, candidate, passwords)
            yield candidate


def _groups(page: Page) -> Iterator[list[Control]]:
    """The controls of each form; those in none, by the panels they stand in and all together."""
    owned: dict[Any, list[Control]] = {}
    for control in page.controls:
        owned.setdefault(control.form.mem_id if control.form is not None else None, []).append(control)
    homeless = owned.pop(None, [])
    yield from owned.values()
    panels = {}
    for control in homeless:
        panel = _around(page, control, None) if control.type == "password" else None
        if panel is not None and panel.tag != "body":
            panels[panel.mem_id] = [one for one in homeless if _inside(one.node, panel)]
    # A sign-in panel beside a registration panel: each is a group of its own.
    yield from (group for group in panels.values() if len(panels) > 1)
    if homeless:
        yield homeless


def _passwords(controls: Sequence[Control], guesses: dict[int, Guess]) -> list[Control]:
    """The password fields that can be seen; else one that a script will show; else a text field that is one."""
    typed = [one for one in controls if one.type == "password"]
    seen = [one for one in typed if guesses[one.index].role == "password"]
    if seen:
        return seen
    lookalikes = [one for one in controls if one.is_text and guesses[one.index].role == "password"]
    # `<input value="密码"><input type=password style="display:none">`: the first is only the hint for the second.
    swapped = [one for one in typed if one.hidden and any(abs(one.index - other.index) == 1 for other in lookalikes)]
    in_a_panel = [one for one in typed if one.hidden == NOT_DISPLAYED and not one.hidden_itself]
    if swapped or (in_a_panel and not lookalikes):
        chosen = (swapped or in_a_panel)[:1]
        guesses[chosen[0].index] = Guess("password", "type=password, shown by the page's script", 0.75)
        for other in lookalikes:
            guesses[other.index] = Guess("other", "the hint of the password field beside it", 0.6)
        if not swapped:
            _reveal_panel(controls, guesses)
        return chosen
    return lookalikes


def _reveal_panel(controls: Sequence[Control], guesses: dict[int, Guess]) -> None:
    """Where the whole login stands in a panel that is not shown yet, its other fields count as seen."""
    for control in controls:
        if control.hidden == NOT_DISPLAYED and not control.hidden_itself and control.type != "password":
            guesses[control.index] = guess(replace(control, hidden=""))


def _assembled(page: Page, controls: list[Control], guesses: dict[int, Guess], passwords: list[Control]) -> Candidate:
    password = passwords[0]
    username = _username(controls, guesses, password)
    form = password.form
    container = form if form is not None and form.first_child is not None else _around(page, password, username)
    candidate = Candidate(form, container, controls, guesses)
    if form is None:
        candidate.controls = [one for one in controls if candidate.container is None or _inside(one.node, container)]
    _settle(candidate, password, username)
    return candidate


def _username(controls: Sequence[Control], guesses: dict[int, Guess], password: Control) -> Control | None:
    """The surest user name; of equals the nearest before the password; without any, the field before it."""
    named = [one for one in controls if guesses[one.index].role == "username"]
    if named:
        return max(named, key=lambda one: (guesses[one.index].confidence, *_nearness(one, password)))
    unknown = [one for one in controls if one.is_text and guesses[one.index].why == "nothing tells what it is"]
    before = [one for one in unknown if one.index < password.index]
    if before:
        chosen = before[-1]
        guesses[chosen.index] = Guess("username", "the text field before the password", 0.6)
        return chosen
    return None


def _nearness(control: Control, password: Control) -> tuple[bool, int]:
    return control.index < password.index, -abs(control.index - password.index)


def _settle(candidate: Candidate, password: Control, username: Control | None) -> None:
    """One user name and one password: what else looked like either is something else."""
    for control in candidate.controls:
        known = candidate.roles[control.index]
        if known.role == "password" and control.index != password.index:
            candidate.roles[control.index] = Guess("other", "another password field", 0.5)
        if known.role == "username" and (username is None or control.index != username.index):
            candidate.roles[control.index] = Guess("other", "another field that could name the person", 0.5)


def _around(page: Page, password: Control, username: Control | None) -> LexborNode | None:
    """The smallest element around password and user name that also holds something to press."""
    above = [one for one in lineage(password.node) if one.mem_id != password.node.mem_id]
    levels = {one.mem_id: level for level, one in enumerate(above)}
    needed = _meeting(username.node, levels) if username is not None else 0
    pressed = [_meeting(node, levels) for node in page.clickables if node.tag != "a"]
    level = max(needed, min(pressed, default=len(above)))
    return above[level] if level < len(above) else next((one for one in above if one.tag == "body"), None)


def _meeting(node: LexborNode, levels: dict[Any, int]) -> int:
    """The level at which the node's lineage meets the other one; one past the last where it does not."""
    return next((levels[one.mem_id] for one in lineage(node) if one.mem_id in levels), len(levels))


def _inside(node: LexborNode, container: LexborNode | None) -> bool:
    return container is not None and any(one.mem_id == container.mem_id for one in lineage(node))


def _score(page: Page, candidate: Candidate, passwords: list[Control]) -> None:
    candidate.add(1 if passwords[0].hidden else 3, "it asks for a password")
    if any(one.role == "username" for one in candidate.roles.values()):
        candidate.add(2, "it asks who it is")
    if len(passwords) > 1:
        candidate.add(-1 if len(passwords) == 2 else -8, f"it has {len(passwords)} password fields")
    if any(is_setting(one) for one in passwords):
        candidate.add(-8 if len(passwords) > 1 else -4, "a password is being set, not given")
    _score_words(page, candidate)
    if sum(control.is_text and not control.hidden for control in candidate.controls) > _MANY_FIELDS:
        candidate.add(-2, "it asks for many things")
    if any(control.type in ("textarea", "file") and not control.hidden for control in candidate.controls):
        candidate.add(-3, "it asks for texts or files")


def _score_words(page: Page, candidate: Candidate) -> None:
    form = candidate.form
    named = (
        words.identifier(" ".join(attribute(form, name) for name in ("id", "name", "class", "action")))
        if form is not None
        else ""
    )
    said = [
        "".join(said_by(node).split())
        for node in page.clickables
        if node.tag in ("button", "input") and candidate.owns(node)
    ]
    if words.LOGIN_IDENTIFIER.search(named) or any(words.LOGIN.search(one) for one in said):
        candidate.add(3, "it speaks of signing in")
    elif any(words.REGISTER.search(one) for one in said):
        candidate.add(-6, "its button registers")
    elif any(words.CHANGE.search(one) for one in said):
        candidate.add(-4, "its button changes something")
    if words.REGISTER_IDENTIFIER.search(named):
        candidate.add(-4, "it is named as a registration")
    if words.CHANGE_IDENTIFIER.search(named):
        candidate.add(-6, "it is named as a change of password")
