"""A page that asks for the user name alone, told as detection tells of a login form: the first of two steps."""

from selectolax.lexbor import LexborNode

from connectors.legacy.page.buttons import submit_of
from connectors.legacy.page.candidates import Candidate
from connectors.legacy.page.controls import read_page
from connectors.legacy.page.detect import DetectedForm, Field
from connectors.legacy.page.document import Document, attribute, decode, joined, said_by
from connectors.legacy.page.roles import Role, guess
from connectors.legacy.page.username_step import username_step

_WHY = "it asks for the user name alone: the first of two steps"


def first_step(content: bytes, url: str, charset: str | None = None) -> DetectedForm | None:
    """The form of the user name; None when the page asks for something else."""
    text, known = decode(content, charset)
    selector = username_step(text, url, known)
    page = read_page(Document(text, known))
    control = next((one for one in page.controls if page.document.selector_of(one.node) == selector), None)
    if control is None:
        return None
    form = control.form
    button = submit_of(page, Candidate(form, form, [control], {control.index: guess(control)}))
    return DetectedForm(
        form=page.document.selector_of(form) if form is not None else None,
        action=joined(url, attribute(form, "action")) if form is not None else url,
        method=(attribute(form, "method") or "get").upper() if form is not None else "",
        enctype=attribute(form, "enctype").lower() if form is not None else "",
        charset=known,
        fields=(_field(page.document, control.node, "username", control.label),),
        submit=_field(page.document, button, "submit", said_by(button)[:40]) if button is not None else None,
        why=_WHY,
    )


def _field(document: Document, node: LexborNode, role: Role, label: str) -> Field:
    return Field(
        role=role,
        tag=str(node.tag),
        type=attribute(node, "type").lower(),
        name=attribute(node, "name"),
        id=attribute(node, "id"),
        placeholder=attribute(node, "placeholder"),
        label=label,
        selector=document.selector_of(node),
        why=_WHY,
        confidence=0.7,
    )
