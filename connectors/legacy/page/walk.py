"""One way through a page's tree, from its first element to its last: what stands there, and what stands around it."""

from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.controls import Control, Heading, Page, is_component, type_of
from connectors.legacy.page.document import Document, attribute, brief_text_of, has, said_by
from connectors.legacy.page.labels import Labels
from connectors.legacy.page.ownership import Ownership
from connectors.legacy.page.visibility import Hiding

_UNSEEN = frozenset({"script", "style", "template", "noscript", "option", "title"})
_CONTROLS = frozenset({"input", "select", "textarea", "button"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "legend", "caption"})
_LONGEST_LABEL = 40
# A page is hostile until proven otherwise: what a login page never has is not looked at.
_MAX_NODES = 60_000
_MAX_CONTROLS = 1000
_MAX_CLICKABLES = 1000
_MAX_HEADINGS = 200
_TRIMMINGS = " :：*|·>»"
_PRESSED = ("onclick", "@click", "v-on:click", "ng-click", "@click.prevent", "lay-submit")


def read_page(document: Document) -> Page:
    page = Page(document)
    if document.tree.root is not None:
        _Walk(page).through(document.tree.root)
    return page


class _Walk:
    """One pass over the tree. Dictionaries are keyed by `mem_id`, the identity of a node."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._skipped: set[Any] = set()
        self._labels = Labels(page.document)
        self._hiding = Hiding(page.document)
        self._owners = Ownership(page.document)
        self._form_around: dict[Any, Any] = {}
        self._text = ""
        self._text_form: Any = None
        self._image = False

    def through(self, root: LexborNode) -> None:
        for place, node in enumerate(root.traverse(include_text=True)):
            if place >= _MAX_NODES:
                self._page.is_whole = False
                break
            self._visit(node, place)
        for index, form in self._owners.adopted().items():
            self._page.controls[index].form = form

    def _visit(self, node: LexborNode, place: int) -> None:
        above = node.parent.mem_id if node.parent is not None else None
        if above in self._skipped or node.tag in _UNSEEN:
            self._skipped.add(node.mem_id)
        elif node.is_element_node:
            self._owners.pass_by(node, place)
            self._form_around[node.mem_id] = node.mem_id if node.tag == "form" else self._form_around.get(above)
            self._hide(node, above)
            self._element(node, place)
        elif node.tag == "-text" and above not in self._page.hidden:
            self._read(node)

    def _hide(self, node: LexborNode, above: Any) -> None:
        if why := self._hiding.why(node):
            self._page.hidden[node.mem_id] = (why, node.mem_id)
        elif above in self._page.hidden:
            self._page.hidden[node.mem_id] = self._page.hidden[above]

    def _element(self, node: LexborNode, place: int) -> None:
        page, tag = self._page, str(node.tag)
        if tag == "form":
            page.forms.append(node)
        elif tag in ("frame", "iframe"):
            page.frames.append(node)
        elif tag in _CONTROLS or is_component(node):
            self._control(node, place)
        elif tag in ("img", "canvas"):
            self._picture(node)
        elif (tag in _HEADINGS or attribute(node, "role") == "heading") and len(page.headings) < _MAX_HEADINGS:
            page.headings.append(Heading(node, words.folded(brief_text_of(node)), len(page.controls)))
        if len(page.clickables) < _MAX_CLICKABLES and _is_clickable(node):
            page.clickables.append(node)
            if page.controls and words.says("button.sends_code", words.folded(said_by(node))):
                self._previous_text("sends_code")
        self._slider(node)

    def _control(self, node: LexborNode, place: int) -> None:
        if len(self._page.controls) >= _MAX_CONTROLS:
            self._page.is_whole = False
            return
        kind = type_of(node)
        form = self._owners.of(node, place, len(self._page.controls))
        hidden, hider = self._page.hidden.get(node.mem_id, ("", None))
        label, is_near = self._label(node, form, kind)
        control = Control(
            node=node,
            tag="input" if is_component(node) else str(node.tag),
            type=kind,
            label=label,
            is_near=is_near,
            hidden="type=hidden" if kind == "hidden" else hidden,
            hider=node.mem_id if kind == "hidden" else hider,
            form=form,
            index=len(self._page.controls),
            captcha_image=self._image,
        )
        self._page.controls.append(control)
        if not control.hidden:
            self._text, self._image = "", False

    def _picture(self, node: LexborNode) -> None:
        """A captcha's picture stands after its field, or in front of it."""
        said = " ".join(attribute(node, name) for name in ("src", "id", "class", "alt", "title", "onclick", ":src"))
        if words.says("name.captcha_image", words.identifier(said)):
            self._image = not self._previous_text("captcha_image")

    def _previous_text(self, flag: str) -> bool:
        previous = next((one for one in self._page.controls[:-20:-1] if one.is_text and not one.hidden), None)
        if previous is not None:
            setattr(previous, flag, True)
        return previous is not None

    def _slider(self, node: LexborNode) -> None:
        page = self._page
        if page.slider is not None or node.mem_id in page.hidden or node.tag in ("html", "body", "form", "input"):
            return
        named = f"{attribute(node, 'class')} {attribute(node, 'id')}"
        if named != " " and words.says("name.slider", words.identifier(named)):
            page.slider = node

    def _read(self, node: LexborNode) -> None:
        text = " ".join((node.text_content or "")[:1000].split()).strip(_TRIMMINGS)
        if text:
            self._text = text
            self._text_form = self._form_around.get(node.parent.mem_id) if node.parent is not None else None
            if len(self._page.controls) < _MAX_CONTROLS and words.says_only("said.or", words.folded(text)):
                self._page.alternatives.append(len(self._page.controls))
            if self._page.slider is None and words.says("said.slider", text):
                self._page.slider = node.parent

    def _label(self, node: LexborNode, form: LexborNode | None, kind: str) -> tuple[str, bool]:
        """What labels it, and whether that is only the text in front of it."""
        own = {None, self._form_around.get(node.mem_id), form.mem_id if form is not None else None}
        label = self._labels.of(node, own).strip(_TRIMMINGS)
        is_near = not label and len(self._text) <= _LONGEST_LABEL and self._text_form in own and kind != "hidden"
        return (self._text if is_near else label)[:_LONGEST_LABEL].strip(_TRIMMINGS), is_near


def _is_clickable(node: LexborNode) -> bool:
    if node.tag in ("button", "a"):
        return True
    if node.tag == "input":
        return type_of(node) in ("submit", "image", "button")
    attributes = node.attrs
    return (
        any(name in attributes for name in _PRESSED)
        or attribute(node, "role") == "button"
        or str(node.tag).endswith("-button")
        or (node.tag in ("div", "span", "label") and has(node, "class") and _names_a_button(attribute(node, "class")))
    )


def _names_a_button(named: str) -> bool:
    lowered = named.lower()
    return any(word in lowered for word in ("btn", "button", "submit"))
