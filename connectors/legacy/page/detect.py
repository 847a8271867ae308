"""Finding the login form of a page: which field is the user name, which the password, what is left to the person.

It works on the HTML alone; nothing here runs the page's script. Every decision says why.
"""

from dataclasses import asdict, dataclass
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page.buttons import submit_of
from connectors.legacy.page.candidates import Candidate, candidates_of
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import Document, attribute, charset_name, decode, joined, said_by
from connectors.legacy.page.roles import Guess, Role
from connectors.legacy.page.rules import NEEDED, judge
from connectors.legacy.page.walk import read_page
from connectors.legacy.patterns import Pattern

__all__ = ["DetectedForm", "Field", "Role", "detect"]

# Most pages are no login pages, and some are large: a page without any of these need not be parsed.
_MAY_ASK = Pattern(r"(?i)pass|pwd|psw|密[\s　]*[码碼]|口[\s　]*令|<i?frame")
_LOGIN_ADDRESS = Pattern(r"(?i)log[-_]?[io]n|sign[-_]?in|denglu|passport|\bsso\b|\bcas\b|auth|/dl\b")
_URLENCODED = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Field:
    """An element of the form. `selector` matches it and nothing else; `confidence` is 0 to 1; `why` is in words."""

    role: Role
    tag: str
    type: str
    name: str
    id: str
    placeholder: str
    label: str
    selector: str
    why: str
    confidence: float


@dataclass(frozen=True)
class DetectedForm:
    """`form` is None where the fields stand in no form element; then the page's script sends them, and `method` is
    empty. `action` is absolute. `is_unseen`: the page's script has yet to show it. `hint`: a field that
    gives way to the password when it gets the focus. `steps`: the password, though it stands in the page, is asked for
    after the user name. Where no form was found but frames
    may hold one, `fields` is empty and `frames` says where to look; where the page could not be read, both are empty.
    """

    form: str | None
    action: str
    method: str
    enctype: str
    charset: str
    fields: tuple[Field, ...]
    submit: Field | None
    why: str
    frames: tuple[str, ...] = ()
    is_unseen: bool = False
    steps: bool = False
    hint: Field | None = None

    @property
    def username(self) -> Field | None:
        return self._first("username")

    @property
    def password(self) -> Field | None:
        return self._first("password")

    @property
    def for_the_person(self) -> tuple[Field, ...]:
        """What only the person can give: captchas, sliders and one-time codes (DESIGN §4.18), and a name beside."""
        return tuple(one for one in self.fields if one.role in ("captcha", "otp", "person"))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def _first(self, role: Role) -> Field | None:
        return next((one for one in self.fields if one.role == role), None)


def detect(html: str | bytes, url: str, charset: str | None = None) -> DetectedForm | None:
    """The page's login form, or None. `url` is the page's address, `charset` what its HTTP header said."""
    text, known = decode(html, charset) if isinstance(html, bytes) else (html, charset)
    return detect_in(read_page(Document(text, known)), url) if may_ask(text) else None


def may_ask(text: str) -> bool:
    """False for a page that cannot ask for a password: it speaks of none, and has no frames."""
    return _MAY_ASK.search(text) is not None


def detect_in(page: Page, url: str) -> DetectedForm | None:
    """The login form of a page that has been read already."""
    if page.document.is_refused:
        return _without_fields(page, url, "the page is nested beyond sense, and was not read")
    base = base_of(page.document, url)
    best = likeliest(page, url)
    if best is not None:
        return described(page, best, base)
    addresses = (joined(base, attribute(frame, "src")) for frame in page.frames if _may_hold(frame))
    frames = tuple(dict.fromkeys(address for address in addresses if address))
    if frames:
        return _without_fields(page, url, "the page is made of frames", frames)
    return None


def _without_fields(page: Page, url: str, why: str, frames: tuple[str, ...] = ()) -> DetectedForm:
    return DetectedForm(None, url, "", "", page.document.charset, (), None, why, frames)


def likeliest(page: Page, url: str) -> Candidate | None:
    """The login form of the most points; of equals the first."""
    candidates = list(candidates_of(page, url))
    judge(candidates)
    likely = [one for one in candidates if one.score >= NEEDED]
    return max(likely, key=lambda one: one.score, default=None)


def base_of(document: Document, url: str) -> str:
    element = document.first("base[href]")
    return (joined(url, attribute(element, "href")) or url) if element is not None else url


def _may_hold(frame: LexborNode) -> bool:
    source = attribute(frame, "src")
    if not source or source.startswith(("about:", "javascript:", "data:")):
        return False
    named = f"{source} {attribute(frame, 'id')} {attribute(frame, 'name')}"
    return frame.tag == "frame" or _LOGIN_ADDRESS.search(named) is not None


def described(page: Page, candidate: Candidate, base: str) -> DetectedForm:
    form, submit = candidate.form, submit_of(page, candidate)
    fields = [
        _field(page, control, candidate.roles[control.index]) for control in candidate.controls if _is_field(control)
    ]
    if page.slider is not None and not any(one.role == "captcha" for one in fields):
        fields.append(_slider(page, page.slider))
    action = _told_by(submit, form, "action")
    return DetectedForm(
        form=page.document.selector_of(form) if form is not None else None,
        action=joined(base, action) if action and not action.startswith("javascript:") else base,
        method=(_told_by(submit, form, "method") or "get").upper() if form is not None else "",
        enctype=(_told_by(submit, form, "enctype") or _URLENCODED).lower() if form is not None else "",
        charset=_charset(page, form),
        fields=tuple(fields),
        submit=_button(page, submit) if submit is not None else None,
        why="; ".join(candidate.reasons),
        is_unseen=candidate.is_unseen,
        steps=candidate.asks_in_steps,
        hint=_field(page, candidate.hint, candidate.roles[candidate.hint.index]) if candidate.hint else None,
    )


def _told_by(submit: LexborNode | None, form: LexborNode | None, name: str) -> str:
    """What the button says in place of the form, else what the form says (HTML §4.10.18.6)."""
    own = attribute(submit, f"form{name}") if submit is not None else ""
    return own or (attribute(form, name) if form is not None else "")


def _is_field(control: Control) -> bool:
    return control.tag != "button" and control.type not in ("submit", "button", "image", "reset", "file")


def _charset(page: Page, form: LexborNode | None) -> str:
    """The charset the browser would send the form in (HTML §4.10.22.5)."""
    accepted = attribute(form, "accept-charset").replace(",", " ").split() if form is not None else []
    named = (charset_name(one) for one in accepted)
    chosen = next((name for name in named if name), page.document.charset)
    # Encoding Standard §4.3: nothing is ever sent in UTF-16.
    return "utf-8" if chosen.startswith("utf-16") else chosen


def _field(page: Page, control: Control, guess: Guess) -> Field:
    return Field(
        role=guess.role,
        tag=str(control.node.tag),
        type=control.type,
        name=control.get("name"),
        id=control.get("id"),
        placeholder=control.placeholder,
        label=control.label,
        selector=page.document.selector_of(control.node),
        why=guess.why,
        confidence=guess.confidence,
    )


def _slider(page: Page, node: LexborNode) -> Field:
    selector = page.document.selector_of(node)
    return Field(
        "captcha",
        str(node.tag),
        "slider",
        "",
        attribute(node, "id"),
        "",
        "",
        selector,
        "a slider or picture to click",
        0.8,
    )


def _button(page: Page, node: LexborNode) -> Field:
    said = said_by(node)
    return Field(
        role="submit",
        tag=str(node.tag),
        type=attribute(node, "type").lower(),
        name=attribute(node, "name"),
        id=attribute(node, "id"),
        placeholder="",
        label=said[:40],
        selector=page.document.selector_of(node),
        why=f"says {said[:20]!r}" if said else "sends the form",
        confidence=0.9,
    )
