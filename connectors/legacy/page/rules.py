"""By what a group of controls is told to be a login form, or something else: the rules, as data.

Each rule adds its points where it holds; a sum of `NEEDED` is a login form. What must never happen weighs so much that
nothing outweighs it. Each rule decides at least one page of the corpus (tests/connectors/legacy/test_rules.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.legacy.page import words
from connectors.legacy.page.candidates import Candidate
from connectors.legacy.page.roles import is_read_as_password, is_setting

NEEDED = 3.0
_NEVER = -100.0
_MANY_CHOICES = 3


@dataclass(frozen=True)
class Rule:
    name: str
    points: float
    why: str
    holds: Callable[[Candidate], bool]


def judge(candidates: Sequence[Candidate]) -> None:
    """Gives the candidates of a page their scores, and says why."""
    for candidate in candidates:
        candidate.stands_beside_registration = any(
            other is not candidate and (len(other.passwords) > 1 or _sets_a_password(other)) for other in candidates
        )
    for candidate in candidates:
        for rule in RULES:
            if rule.holds(candidate):
                candidate.score += rule.points
                candidate.reasons.append(rule.why)


def _signs_in(candidate: Candidate) -> bool:
    """Its buttons say so; or its name does, and no button says something else."""
    if _say_login(candidate.sends):
        return True
    if _registers(candidate) or _changes(candidate):
        return False
    return _say_login(candidate.says) or words.says("name.login", candidate.named)


def _is_said_to_sign_in(candidate: Candidate) -> bool:
    """It says so itself, or what stands over it does."""
    return _signs_in(candidate) or words.says("button.login", candidate.headings)


def _say_login(said: Sequence[str]) -> bool:
    return any(words.says("button.login", one) and not _is_other_way(one) for one in said)


def _is_other_way(said: str) -> bool:
    """ "Register and sign in", "forgot your login": it speaks of signing in, and does something else."""
    return not words.says_only("button.login_exact", said) and (
        words.says("button.register", said) or words.says("button.change", said)
    )


def _registers(candidate: Candidate) -> bool:
    return any(words.says("button.register", one) for one in candidate.sends)


def _changes(candidate: Candidate) -> bool:
    return any(words.says("button.change", one) and not words.says("button.secondary", one) for one in candidate.sends)


def _is_exactly_login(candidate: Candidate) -> bool:
    return any(words.says_only("button.login_exact", one) for one in candidate.says)


def _sets_a_password(candidate: Candidate) -> bool:
    """Many a login page says `new-password` to keep browsers from filling it: believed unless its button signs in."""
    passwords = candidate.passwords
    if len(passwords) == 1 and passwords[0].completion == "new-password":
        return _registers(candidate) or not (_is_exactly_login(candidate) or _is_only_named_login(candidate))
    if len(passwords) == 1 and is_read_as_password(passwords[0]) and _does_nothing_but_login(candidate):
        return False
    return any(is_setting(one) for one in passwords if len(passwords) > 1 or not _is_counted(one.get("name")))


def _is_only_named_login(candidate: Candidate) -> bool:
    """Programs call the form a login, and neither they nor its buttons speak of anything else."""
    named = candidate.named
    is_another = any(words.says(group, named) for group in ("name.register", "name.change"))
    return words.says("name.login", named) and not is_another and not _changes(candidate)


def _does_nothing_but_login(candidate: Candidate) -> bool:
    """A button that sends it exactly signs in, and neither another one nor anything around speaks of something else."""
    if not any(words.says_only("button.login_exact", one) for one in candidate.sends):
        return False
    named = any(words.says(group, candidate.named) for group in ("name.register", "name.change"))
    headed = any(words.says(group, candidate.headings) for group in ("said.registers", "said.changes"))
    return not (named or headed or _registers(candidate) or _changes(candidate))


def _is_counted(name: str) -> bool:
    return name.endswith("2")


def _sets_beside(candidate: Candidate) -> bool:
    return any(
        one.completion == "new-password" and one.index != candidate.password.index and one.type != "hidden"
        for one in candidate.controls
    )


def _asks_more(candidate: Candidate) -> bool:
    """Beside who it is, two more texts of which nothing is known: no login does."""
    return len([one for one in candidate.others("unknown") if one.is_text]) > 1


def _asks_family_name_for_more(candidate: Candidate) -> bool:
    """An airline asks for number, family name and password, and nothing else; a registration never stops there."""
    names = candidate.others("family_name")
    more = candidate.others("unknown") + candidate.others("phone")
    is_login = len(names) == 1 and not more and candidate.username is not None and _does_nothing_but_login(candidate)
    return bool(names) and not is_login


def _may_be_pin_of_device(candidate: Candidate) -> bool:
    """A PIN is the form's password where it signs in a user name, and nothing is said of a key, a card or a code."""
    if candidate.roles[candidate.password.index].kind != "pin":
        return False
    username = candidate.username
    if username is None or candidate.roles[username.index].kind == "card" or not _signs_in(candidate):
        return True
    return any(one.role == "otp" for one in candidate.roles.values()) or _speaks_of_device(candidate)


def _speaks_of_device(candidate: Candidate) -> bool:
    """Whether people read on the page, or programs say in the form, of what a PIN unlocks."""
    controls = candidate.controls
    read = [candidate.page.read, *candidate.says, *(text for one in controls for text in (one.label, one.hint))]
    identifiers = [candidate.named, *(name for one in controls for name in one.identifiers)]
    return any(words.says("said.device", one.lower()) for one in read) or any(
        words.says("name.device", one) for one in identifiers
    )


def _has_many_choices(candidate: Candidate) -> bool:
    return sum(
        candidate.roles[one.index].why in ("a choice", "a checkbox", "a radio") for one in candidate.controls
    ) >= (_MANY_CHOICES)


def _is_headed(candidate: Candidate, group: str) -> bool:
    return words.says(group, candidate.headings) and not words.says("button.login", candidate.headings)


RULES: tuple[Rule, ...] = (
    Rule("password", 3, "it asks for a password", lambda one: True),
    Rule("unseen", -1, "it is not shown yet", lambda one: one.is_unseen),
    Rule(
        "hidden",
        -3,
        "its password is hidden for itself, and nothing says that it signs in",
        lambda one: one.is_unseen and one.password.hidden_itself and not _is_said_to_sign_in(one),
    ),
    Rule("username", 2, "it asks who it is", lambda one: one.username is not None),
    Rule("login", 3, "it speaks of signing in", _signs_in),
    Rule(
        "open",
        -3,
        "its password is typed in the open, and nothing says that it signs in",
        lambda one: one.password.type != "password" and not _is_said_to_sign_in(one),
    ),
    Rule("setting", _NEVER, "a password is being set, not given", _sets_a_password),
    Rule("setting beside", _NEVER, "another field asks for a new password", _sets_beside),
    Rule("passwords", _NEVER, "it has several password fields", lambda one: len(one.passwords) > 1),
    Rule("card", _NEVER, "it asks for a card", lambda one: bool(one.others("card"))),
    Rule("personal", _NEVER, "it asks for name or address", lambda one: bool(one.others("personal"))),
    Rule("family name", _NEVER, "it asks for the family name, and does more than sign in", _asks_family_name_for_more),
    Rule("pin", _NEVER, "its PIN may be that of a key or a card", _may_be_pin_of_device),
    Rule(
        "phone",
        _NEVER,
        "it asks for a telephone beside the user name",
        lambda one: bool(one.others("phone")) and not _signs_in(one),
    ),
    Rule(
        "token",
        -1,
        "its button speaks of a token",
        lambda one: any(words.says("label.otp", said) for said in one.sends),
    ),
    Rule("registers", -6, "its button registers", lambda one: _registers(one) and not _signs_in(one)),
    Rule(
        "named registration",
        -4,
        "it is named as a registration",
        lambda one: words.says("name.register", one.named) and not words.says("name.login", one.named),
    ),
    Rule("changes", -4, "its button changes something", lambda one: _changes(one) and not _signs_in(one)),
    Rule(
        "named change",
        -6,
        "it is named as a change of password",
        lambda one: words.says("name.change", one.named) and not _is_exactly_login(one),
    ),
    Rule("more", -4, "it asks for more than a login does", _asks_more),
    Rule("choices", -2, "it has many choices", _has_many_choices),
    Rule(
        "texts",
        -3,
        "it asks for texts or files",
        lambda one: any(control.type in ("textarea", "file") and not control.hidden for control in one.controls),
    ),
    Rule(
        "headed registration",
        -4,
        "what stands over it says registration",
        lambda one: _is_headed(one, "said.registers") and not _is_exactly_login(one),
    ),
    Rule(
        "headed change",
        -4,
        "what stands over it says change of password",
        lambda one: _is_headed(one, "said.changes") and not _is_exactly_login(one),
    ),
)
