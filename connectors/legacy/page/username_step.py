"""Sign-in in two steps: a page that asks for the user name alone, before the one that asks for the password."""

from urllib.parse import urljoin

from connectors.errors import ConnectorError
from connectors.legacy.page.controls import Control, read_page
from connectors.legacy.page.document import Document, attribute, decode
from connectors.legacy.page.roles import guess
from connectors.origin import ExactOrigin


def username_step(html: str | bytes, url: str, charset: str | None = None) -> str | None:
    """A selector of the page's one field, when that is for the user name and its form stays at this origin."""
    text, known = decode(html, charset) if isinstance(html, bytes) else (html, charset)
    page = read_page(Document(text, known))
    if any(one.type == "password" for one in page.controls) or page.document.all("base[href]"):
        return None
    seen = [one for one in page.controls if one.is_text and not one.hidden]
    if len(seen) != 1 or not _asks_who(seen[0]) or not _stays(seen[0], url):
        return None
    return page.document.selector_of(seen[0].node)


def _asks_who(control: Control) -> bool:
    return "username" in control.get("autocomplete").lower().split() or guess(control).role == "username"


def _stays(control: Control, url: str) -> bool:
    if control.form is None:
        return True
    try:
        return ExactOrigin.parse(urljoin(url, attribute(control.form, "action"))) == ExactOrigin.parse(url)
    except (ConnectorError, ValueError):
        return False
