"""The first of two steps: a page that asks for the user name alone, before the one that asks for the password."""

from connectors.errors import ConnectorError
from connectors.legacy.page.candidates import Candidate
from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.detect import DetectedForm, described
from connectors.legacy.page.document import Document, attribute, decode, joined
from connectors.legacy.page.roles import guess
from connectors.legacy.page.walk import read_page
from connectors.origin import ExactOrigin

_WHY = "it asks for the user name alone: the first of two steps"


def username_step(html: str | bytes, url: str, charset: str | None = None) -> DetectedForm | None:
    """The form of the page's one field, when that is for the user name and its form stays at this origin."""
    text, known = decode(html, charset) if isinstance(html, bytes) else (html, charset)
    page = read_page(Document(text, known))
    if any(one.type == "password" and not one.hidden for one in page.controls) or page.document.all("base[href]"):
        return None
    seen = [one for one in page.controls if one.is_text and not one.hidden]
    if len(seen) != 1 or not _asks_who(seen[0]) or not _stays(seen[0], url):
        return None
    return described(page, _candidate(page, url, seen[0]), url)


def _candidate(page: Page, url: str, control: Control) -> Candidate:
    form = control.form
    candidate = Candidate(
        page=page,
        url=url,
        form=form,
        container=form,
        controls=[control],
        roles={control.index: guess(control)},
        passwords=[],
        username=control,
    )
    candidate.reasons.append(_WHY)
    return candidate


def _asks_who(control: Control) -> bool:
    return guess(control).role == "username"


def _stays(control: Control, url: str) -> bool:
    if control.form is None:
        return True
    try:
        return ExactOrigin.parse(joined(url, attribute(control.form, "action"))) == ExactOrigin.parse(url)
    except ConnectorError:
        return False
