"""Which controls of a page belong together: those of a form, of a panel, or of the smallest element around them."""

from collections.abc import Iterator, Sequence
from typing import Any

from selectolax.lexbor import LexborNode

from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import lineage

# No login page has more.
_MAX_PASSWORDS = 12


def groups_of(page: Page) -> Iterator[list[Control]]:
    """The controls of each form; those in none together. Panels that each ask for a password are apart."""
    owned: dict[Any, list[Control]] = {}
    for control in page.controls:
        owned.setdefault(control.form.mem_id if control.form is not None else None, []).append(control)
    for controls in owned.values():
        yield from _panels(page, controls) or [controls]


def _panels(page: Page, controls: Sequence[Control]) -> list[list[Control]]:
    """The panels of one form (or of a page without forms), where each asks for a password of its own."""
    passwords = [one for one in controls if one.type == "password"][:_MAX_PASSWORDS]
    if len(passwords) < 2:
        return []
    found: dict[Any, LexborNode] = {}
    for password in passwords:
        panel = _panel(page, controls, password)
        if panel is None or panel.tag in ("body", "form", "html"):
            return []
        found[panel.mem_id] = panel
    panels = list(found.values())
    if len(panels) < 2 or any(
        page.holds(one, other) for one in panels for other in panels if one.mem_id != other.mem_id
    ):
        return []
    return [[one for one in controls if page.holds(panel, one.node)] for panel in panels]


def _panel(page: Page, controls: Sequence[Control], password: Control) -> LexborNode | None:
    """The smallest element that holds the password, a field to say who it is, and something to press."""
    above = [one for one in lineage(password.node) if one.mem_id != password.node.mem_id]
    levels = {one.mem_id: level for level, one in enumerate(above)}
    beside = [meeting(one.node, levels) for one in controls if one.is_text]
    pressed = [meeting(node, levels) for node in page.clickables if node.tag != "a"]
    if not beside or not pressed:
        return None
    level = max(min(beside), min(pressed))
    return above[level] if level < len(above) else None


def around(page: Page, password: Control, username: Control | None) -> LexborNode | None:
    """The smallest element around password and user name that also holds something to press."""
    above = [one for one in lineage(password.node) if one.mem_id != password.node.mem_id]
    levels = {one.mem_id: level for level, one in enumerate(above)}
    needed = meeting(username.node, levels) if username is not None else 0
    pressed = [meeting(node, levels) for node in page.clickables if node.tag != "a"]
    level = max(needed, min(pressed, default=len(above)))
    return above[level] if level < len(above) else next((one for one in above if one.tag == "body"), None)


def meeting(node: LexborNode, levels: dict[Any, int]) -> int:
    """The level at which the node's lineage meets the other one; one past the last where it does not."""
    return next((levels[one.mem_id] for one in lineage(node) if one.mem_id in levels), len(levels))
