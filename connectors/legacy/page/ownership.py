"""Which form a control belongs to, as browsers decide it (HTML §4.10.17.3)."""

from collections.abc import Sequence

from selectolax.lexbor import LexborNode

from connectors.legacy.page.document import Document, attribute, lineage


def owner_of(document: Document, node: LexborNode) -> LexborNode | None:
    """The form of the `form` attribute, else the form around."""
    named = attribute(node, "form")
    if named:
        return next((form for form in document.all("form") if attribute(form, "id") == named), None)
    return next((one for one in lineage(node) if one.tag == "form"), None)


def adopted(
    document: Document, forms: Sequence[LexborNode], controls: Sequence[tuple[LexborNode, LexborNode | None]]
) -> dict[int, LexborNode]:
    """The forms of controls that stand in none, by the control's index.

    After `<table><form><tr>` the parser leaves the form empty but keeps it as the owner of what follows
    (HTML §13.2.6.4.9), so a form without any control owns the homeless ones that follow it, up to the next form.
    """
    root = document.tree.root
    if root is None or not forms:
        return {}
    places = {node.mem_id: place for place, node in enumerate(root.traverse())}
    owners = {form.mem_id for _, form in controls if form is not None}
    ends = [places[form.mem_id] for form in forms[1:]] + [len(places)]
    found: dict[int, LexborNode] = {}
    for form, end in zip(forms, ends, strict=True):
        if form.mem_id in owners:
            continue
        for index, (node, owner) in enumerate(controls):
            if owner is None and places[form.mem_id] < places[node.mem_id] < end:
                found[index] = form
    return found
