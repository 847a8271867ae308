"""The request that a login page's own form would make: what the bytes of the page tell before anybody signs in.

It is read from what the server sends to a visitor who is not signed in. A page met later can hold other people's
content, and a script can send what it likes: both are for others to judge, by what is told here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urldefrag

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.buttons import submit_of
from connectors.legacy.page.candidates import Candidate
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.detect import DetectedForm, Field, base_of, described, likeliest, may_ask
from connectors.legacy.page.document import Document, attribute, decode, has
from connectors.legacy.page.walk import read_page

_URLENCODED = "application/x-www-form-urlencoded"
_ENCTYPES = frozenset({_URLENCODED, "multipart/form-data", "text/plain"})
# Attributes by which frameworks take a form's submission over.
_TAKEN_OVER = (
    *("@submit", "@submit.prevent", "v-on:submit", "v-on:submit.prevent", "@submit.native.prevent"),
    *("ng-submit", "(submit)", "(ngsubmit)", "x-on:submit", "x-on:submit.prevent", "data-remote", "lay-filter"),
    *("hx-post", "hx-get", "hx-put", "data-ajax", "wire:submit", "wire:submit.prevent"),
)
_LEADS_NOWHERE = ("", "#", "?", "about:blank", "about:blank#")


@dataclass(frozen=True)
class LoginForm:
    """`action` is absolute, without a fragment, resolved with `<base>` and the button's `formaction`. `method` is GET
    or POST. Names are as they would be sent: empty where a field has none, for such a field is not sent.

    `password_copies` are unseen fields of the same form whose names speak of a password: the page's script may write
    the password, or its hash, into them. `hidden` are the other fields that the page sends along
    unseen, with their values.

    `is_scripted`: the form itself is not what sends the password - there is no form, no usable action, no name on the
    password field, or the page says that its script takes the submission over. `has_scripts`: some script runs on the
    page, so that it could.
    """

    method: str
    action: str
    enctype: str
    charset: str
    username: str
    password: str
    password_copies: tuple[str, ...]
    hidden: Mapping[str, str]
    is_scripted: bool
    has_scripts: bool

    @property
    def passwords(self) -> tuple[str, ...]:
        """Every name that may carry the password, that of the filled field first."""
        return (*((self.password,) if self.password else ()), *self.password_copies)


def login_form(page: bytes, url: str, charset: str | None = None) -> LoginForm | None:
    """The login form of a page with a user name or a password alone to give; None where the page asks for no password,
    or asks for it in a second step, whose request the page does not tell.

    `url` is the page's address, `charset` what its Content-Type said.
    """
    text, known = decode(page, charset)
    if not may_ask(text):
        return None
    read = read_page(Document(text, known))
    candidate = likeliest(read, url)
    return _described(read, candidate, url) if candidate is not None and not candidate.asks_in_steps else None


def _described(page: Page, candidate: Candidate, url: str) -> LoginForm:
    form, button = candidate.form, submit_of(page, candidate)
    found = described(page, candidate, base_of(page.document, url))
    controls = _sent_by(page, form) if form is not None else []
    username = found.username.name if found.username else ""
    password = found.password.name if found.password else ""
    unseen = [one.get("name") for one in controls if one.hidden and one.get("name") not in ("", username, password)]
    copies = tuple(dict.fromkeys(name for name in unseen if words.names_password(name)))
    has_scripts = page.document.first("script") is not None or _is_wired(form)
    return LoginForm(
        method=found.method if found.method == "POST" else "GET",
        action=urldefrag(found.action).url,
        enctype=found.enctype if found.enctype in _ENCTYPES else _URLENCODED,
        charset=found.charset,
        username=username,
        password=password,
        password_copies=copies,
        hidden={
            one.get("name"): one.get("value")
            for one in controls
            if one.get("name") in unseen and one.get("name") not in copies
        },
        is_scripted=form is None or not password or _is_taken_over(form, button, found, has_scripts=has_scripts),
        has_scripts=has_scripts,
    )


def _sent_by(page: Page, form: LexborNode) -> list[Control]:
    return [
        one
        for one in page.controls
        if one.form is not None and one.form.mem_id == form.mem_id and not has(one.node, "disabled")
    ]


def _is_taken_over(form: LexborNode, button: LexborNode | None, found: DetectedForm, *, has_scripts: bool) -> bool:
    """Whether the page itself says that the form is not sent as it stands."""
    if any(has(form, name) for name in _TAKEN_OVER):
        return True
    if _gives_false(attribute(form, "onsubmit")):
        return True
    own = attribute(button, "formaction") if button is not None else ""
    action = (own or attribute(form, "action")).lower()
    if action.startswith("javascript:"):
        return True
    posts_itself = found.method == "POST" and found.submit is not None and _sends(found.submit)
    return has_scripts and action in _LEADS_NOWHERE and not posts_itself


def _sends(button: Field) -> bool:
    """Whether pressing it sends the form without any script (HTML §4.10.18.5)."""
    if button.tag == "button":
        return button.type in ("", "submit")
    return button.tag == "input" and button.type in ("submit", "image")


def _gives_false(handler: str) -> bool:
    """`return false` and its like, whatever stands before: the browser then sends nothing by itself."""
    ending = "".join(handler.lower().rstrip("; \t\n\r}").split())
    return ending.endswith("returnfalse") or "preventdefault(" in ending


def _is_wired(form: LexborNode | None) -> bool:
    """Whether the form has a script in an attribute of its own."""
    return form is not None and any(name.startswith("on") for name in form.attrs)
