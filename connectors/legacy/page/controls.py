"""The controls of a page, in order: each with its label, its form, what stands around it and whether it is seen."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page import words
from connectors.legacy.page.document import Document, attribute, has, lineage

# Component tags that a page's script turns into inputs (Element, Ant Design, Vant, iView); their props tell what.
_LIBRARIES = ("el", "a", "n", "i", "van", "q", "v", "t")
_COMPONENTS = frozenset(
    f"{library}-{kind}{suffix}"
    for library in _LIBRARIES
    for kind in ("input", "field", "text-field")
    for suffix in ("", "-password", "-number")
)
# HTML §4.10.5.1: every other type is text.
_INPUT_TYPES = frozenset(
    {
        *("hidden", "text", "search", "tel", "url", "email", "password", "date", "month", "week", "time"),
        *("datetime-local", "number", "range", "color", "checkbox", "radio", "file", "submit", "image", "reset"),
        "button",
    }
)
_MODELS = ("v-model", "v-model.trim", "ng-model", "data-bind", "formcontrolname", "v-decorator", "data-field")


@dataclass
class Control:
    """An input, select, textarea or button. `hidden` says why it is not seen; empty when it is. `hider` is the element
    that takes it out of sight, itself or one around it. `is_near`: the label is no label, but the text in front.
    """

    node: LexborNode
    tag: str
    type: str
    label: str
    is_near: bool
    hidden: str
    hider: Any
    form: LexborNode | None
    index: int
    captcha_image: bool = False
    sends_code: bool = False

    def get(self, name: str) -> str:
        return attribute(self.node, name)

    @property
    def hidden_itself(self) -> bool:
        return bool(self.hider == self.node.mem_id)

    @cached_property
    def placeholder(self) -> str:
        return self.get("placeholder") or self.get("data-placeholder")

    @cached_property
    def hint(self) -> str:
        """What the field says inside: its placeholder, or in pages from before placeholders its first value."""
        return self.placeholder or (self.get("value") if self.is_text else "")

    @cached_property
    def identifiers(self) -> tuple[str, ...]:
        """Name, id and model, split into words."""
        found = [self.get(name) for name in ("name", "id", *_MODELS)]
        return tuple(words.identifier(one) for one in found if one)

    @cached_property
    def completion(self) -> str:
        """The field's autofill detail token (HTML §4.10.18.7.1), the last one."""
        tokens = self.get("autocomplete").lower().split()
        if tokens and tokens[-1] == "webauthn":
            tokens.pop()
        return tokens[-1] if tokens else ""

    @property
    def is_text(self) -> bool:
        return self.tag == "input" and self.type in ("text", "email", "tel", "number", "search", "url")

    @property
    def is_component(self) -> bool:
        return is_component(self.node)


@dataclass(frozen=True)
class Heading:
    """A title of a part of the page. `index` is that of the first control after it."""

    node: LexborNode
    text: str
    index: int


@dataclass
class Page:
    """What was seen on the way through a page. `hidden` holds, by element, why it is not seen and what hides it.

    `alternatives` are the controls, by index, that an "or" standing by itself comes before. `is_whole` is False for a
    page so large that only its beginning was read.
    """

    document: Document
    controls: list[Control] = field(default_factory=list)
    clickables: list[LexborNode] = field(default_factory=list)
    forms: list[LexborNode] = field(default_factory=list)
    frames: list[LexborNode] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    alternatives: list[int] = field(default_factory=list)
    slider: LexborNode | None = None
    hidden: dict[Any, tuple[str, Any]] = field(default_factory=dict)
    is_whole: bool = True
    _holders: dict[Any, frozenset[Any]] = field(default_factory=dict, repr=False)

    @cached_property
    def read(self) -> str:
        """All that people may come to read on it, in lower case; nothing of its scripts."""
        root = self.document.tree.root
        inside = root.traverse(include_text=True) if root is not None else ()
        texts = (one for one in inside if one.tag == "-text" and _is_for_people(one.parent))
        return " ".join(one.text_content or "" for one in texts).lower()

    def holds(self, container: LexborNode | None, node: LexborNode) -> bool:
        """Whether the node is the container, or in it."""
        if container is None:
            return False
        if node.mem_id not in self._holders:
            self._holders[node.mem_id] = frozenset(one.mem_id for one in lineage(node))
        return container.mem_id in self._holders[node.mem_id]


def _is_for_people(node: LexborNode | None) -> bool:
    return node is not None and node.tag not in ("script", "style")


def is_component(node: LexborNode) -> bool:
    return str(node.tag) in _COMPONENTS


def type_of(node: LexborNode) -> str:
    declared = attribute(node, "type").lower()
    component = is_component(node)
    if component and ("-password" in str(node.tag) or has(node, "show-password")):
        return "password"
    if node.tag == "input" or component:
        return declared if declared in _INPUT_TYPES else "text"
    if node.tag == "button":
        return declared or "submit"
    return str(node.tag)
