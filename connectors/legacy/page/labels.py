"""What labels a control: its label element, an attribute, a form item around it."""

from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page.document import Document, attribute, brief_text_of, lineage

# A page is hostile until proven otherwise.
_MAX_LABELS = 500
_Label = tuple[Any, str]


class Labels:
    """The label elements of a page, by the id they name, the last one first: their form, and what they say."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._named: dict[str, list[_Label]] = {}
        for label in document.all("label[for]")[:_MAX_LABELS]:
            if text := brief_text_of(label):
                around = next((one.mem_id for one in lineage(label) if one.tag == "form"), None)
                self._named.setdefault(attribute(label, "for"), []).insert(0, (around, text))

    def of(self, node: LexborNode, forms: set[Any]) -> str:
        """What labels the control; text of a form that is not among `forms` never says what a field is for."""
        named = self._named.get(attribute(node, "id"), ())
        label = next((text for around, text in named if around in forms), "")
        for name in ("aria-label", "label", "title"):
            label = label or attribute(node, name)
        return label or self._labelled_by(node) or _around(node)

    def _labelled_by(self, node: LexborNode) -> str:
        identifier = attribute(node, "aria-labelledby").split(" ")[0]
        found = self._document.first(f'[id="{identifier}"]') if identifier.isidentifier() else None
        return brief_text_of(found) if found is not None else ""


def _around(node: LexborNode) -> str:
    """The label element around, or the `label` of a form-item component (Element, Ant Design)."""
    for around in lineage(node):
        if around.tag in ("form", "body"):
            break
        if around.tag == "label":
            return brief_text_of(around)
        if str(around.tag).endswith("form-item") and attribute(around, "label"):
            return attribute(around, "label")
    return ""
