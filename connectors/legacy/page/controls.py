"""The controls of a page, in order: each with its label, its form, what stands around it and whether it is seen."""

import re
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.document import Document, attribute, brief_text_of, has, lineage, said_by
from connectors.legacy.page.ownership import adopted, owner_of
from connectors.legacy.page.visibility import Hiding

# Component tags that a page's script turns into inputs (Element, Ant Design, Vant, iView); their props tell what.
_COMPONENTS = re.compile(r"(el|a|n|i|van|q|v|t)-(input|field|text-field)(-password|-number)?\Z")
_UNSEEN = frozenset({"script", "style", "template", "noscript", "option", "title"})
_LONGEST_LABEL = 40
# A page is hostile until proven otherwise: what a login page never has is not looked at.
_MAX_CONTROLS = 200
_MAX_CLICKABLES = 300
# HTML §4.10.5.1: every other type is text.
_INPUT_TYPES = frozenset(
    {
        *("hidden", "text", "search", "tel", "url", "email", "password", "date", "month", "week", "time"),
        *("datetime-local", "number", "range", "color", "checkbox", "radio", "file", "submit", "image", "reset"),
        "button",
    }
)
_TRIMMINGS = " :：*|·>»"
_MODELS = ("v-model", "v-model.trim", "ng-model", "data-bind", "formcontrolname", "v-decorator", "data-field")


@dataclass
class Control:
    """An input, select, textarea or button. `hidden` says why it is not seen; empty when it is."""

    node: LexborNode
    tag: str
    type: str
    label: str
    hidden: str
    hidden_itself: bool
    form: LexborNode | None
    index: int
    captcha_image: bool = False
    sends_code: bool = False

    def get(self, name: str) -> str:
        return attribute(self.node, name)

    @property
    def placeholder(self) -> str:
        return self.get("placeholder") or self.get("data-placeholder")

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Name, id and model, split into words."""
        found = [self.get(name) for name in ("name", "id", *_MODELS)]
        return tuple(words.identifier(one) for one in found if one)

    @property
    def is_text(self) -> bool:
        return self.tag == "input" and self.type in ("text", "email", "tel", "number", "search", "url")

    @property
    def is_component(self) -> bool:
        return _COMPONENTS.match(str(self.node.tag)) is not None


@dataclass
class Page:
    """What was seen on the way through a page."""

    document: Document
    controls: list[Control] = field(default_factory=list)
    clickables: list[LexborNode] = field(default_factory=list)
    forms: list[LexborNode] = field(default_factory=list)
    frames: list[LexborNode] = field(default_factory=list)
    slider: LexborNode | None = None
    has_frameset: bool = False
    hidden: dict[Any, str] = field(default_factory=dict)


def read_page(document: Document) -> Page:
    page = Page(document)
    if document.tree.root is not None:
        _Walk(page).through(document.tree.root)
    for index, form in adopted(document, page.forms, [(one.node, one.form) for one in page.controls]).items():
        page.controls[index].form = form
    return page


class _Walk:
    """One pass over the tree. Dictionaries are keyed by `mem_id`, the identity of a node."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._skipped: set[Any] = set()
        self._labels = _label_elements(page.document)
        self._hiding = Hiding(page.document)
        self._form_around: dict[Any, Any] = {}
        self._text = ""
        self._text_form: Any = None
        self._image = False

    def through(self, root: LexborNode) -> None:
        for node in root.traverse(include_text=True):
            above = node.parent.mem_id if node.parent is not None else None
            if above in self._skipped or node.tag in _UNSEEN:
                self._skipped.add(node.mem_id)
            elif node.is_element_node:
                self._form_around[node.mem_id] = node.mem_id if node.tag == "form" else self._form_around.get(above)
                why = self._hiding.why(node) or self._page.hidden.get(above, "")
                if why:
                    self._page.hidden[node.mem_id] = why
                self._element(node, why)
            elif node.tag == "-text" and above not in self._page.hidden:
                self._read(node)

    def _element(self, node: LexborNode, hidden: str) -> None:
        page, tag = self._page, str(node.tag)
        if tag == "form":
            page.forms.append(node)
        elif tag in ("frame", "iframe"):
            page.frames.append(node)
        elif tag == "frameset":
            page.has_frameset = True
        elif tag in ("input", "select", "textarea", "button") or _COMPONENTS.match(tag):
            self._control(node, hidden)
        elif tag in ("img", "canvas"):
            self._picture(node)
        if len(page.clickables) < _MAX_CLICKABLES and _is_clickable(node):
            page.clickables.append(node)
            if page.controls and words.SENDS_CODE.search(said_by(node)):
                self._previous_text("sends_code")
        self._slider(node, hidden)

    def _control(self, node: LexborNode, hidden: str) -> None:
        if len(self._page.controls) >= _MAX_CONTROLS:
            return
        form = owner_of(self._page.document, node)
        control = Control(
            node=node,
            tag="input" if _COMPONENTS.match(str(node.tag)) else str(node.tag),
            type=_type_of(node),
            label=self._label(node, form),
            hidden="type=hidden" if _type_of(node) == "hidden" else hidden,
            hidden_itself=bool(self._hiding.why(node)),
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
        if words.CAPTCHA_IMAGE.search(words.identifier(said)):
            self._image = not self._previous_text("captcha_image")

    def _previous_text(self, flag: str) -> bool:
        previous = next((one for one in reversed(self._page.controls) if one.is_text and not one.hidden), None)
        if previous is not None:
            setattr(previous, flag, True)
        return previous is not None

    def _slider(self, node: LexborNode, hidden: str) -> None:
        if self._page.slider is None and not hidden and node.tag not in ("html", "body", "form", "input"):
            said = words.identifier(f"{attribute(node, 'class')} {attribute(node, 'id')}")
            if words.SLIDER.search(said):
                self._page.slider = node

    def _read(self, node: LexborNode) -> None:
        folded = " ".join((node.text_content or "").split()).strip(_TRIMMINGS)
        if folded:
            self._text = folded
            self._text_form = self._form_around.get(node.parent.mem_id) if node.parent is not None else None
        if self._page.slider is None and words.SLIDER_TEXT.search(folded):
            self._page.slider = node.parent

    def _label(self, node: LexborNode, form: LexborNode | None) -> str:
        """Text of another form never says what a field is for."""
        own = {None, self._form_around.get(node.mem_id), form.mem_id if form is not None else None}
        named = self._labels.get(attribute(node, "id"), ()) if attribute(node, "id") else ()
        label = next((text for around, text in named if around in own), None)
        for name in ("aria-label", "label", "title"):
            label = label or attribute(node, name)
        label = label or self._labelled_by(node) or _label_around(node)
        is_near = len(self._text) <= _LONGEST_LABEL and self._text_form in own
        if not label and is_near and _type_of(node) != "hidden":
            label = self._text
        return (label or "").strip(_TRIMMINGS)[:_LONGEST_LABEL]

    def _labelled_by(self, node: LexborNode) -> str:
        identifier = attribute(node, "aria-labelledby").split(" ")[0]
        found = self._page.document.first(f'[id="{identifier}"]') if identifier.isidentifier() else None
        return brief_text_of(found) if found is not None else ""


def _type_of(node: LexborNode) -> str:
    declared = attribute(node, "type").lower()
    component = _COMPONENTS.match(str(node.tag))
    if component and ("-password" in str(node.tag) or has(node, "show-password")):
        return "password"
    if node.tag == "input" or component:
        return declared if declared in _INPUT_TYPES else "text"
    if node.tag == "button":
        return declared or "submit"
    return str(node.tag)


def _is_clickable(node: LexborNode) -> bool:
    if node.tag in ("button", "a"):
        return True
    if node.tag == "input":
        return _type_of(node) in ("submit", "image", "button")
    return (
        any(has(node, name) for name in ("onclick", "@click", "v-on:click", "ng-click", "@click.prevent", "lay-submit"))
        or attribute(node, "role") == "button"
        or str(node.tag).endswith("-button")
        or (node.tag in ("div", "span", "label") and bool(re.search(r"btn|button|submit", attribute(node, "class"))))
    )


def _label_elements(document: Document) -> dict[str, list[tuple[Any, str]]]:
    """By the id they name, the last one first: the form each stands in, and what it says."""
    found: dict[str, list[tuple[Any, str]]] = {}
    for label in document.all("label[for]"):
        if text := brief_text_of(label):
            around = next((one.mem_id for one in lineage(label) if one.tag == "form"), None)
            found.setdefault(attribute(label, "for"), []).insert(0, (around, text))
    return found


def _label_around(node: LexborNode) -> str:
    """The label element around, or the `label` of a form-item component (Element, Ant Design)."""
    for around in lineage(node):
        if around.tag in ("form", "body"):
            break
        if around.tag == "label":
            return brief_text_of(around)
        if str(around.tag).endswith("form-item") and attribute(around, "label"):
            return attribute(around, "label")
    return ""
