"""What a form says by itself: the values with which its page comes, and those that it lets a person choose from."""

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.document import has

_CHOICES = ("checkbox", "radio")
# Of no form does so much stand beside the password.
_MOST_FIELDS = 40


def preset_values(page: Page, selector: str) -> Mapping[str, tuple[str, ...]]:
    """Of this form, by the name of the field. What a person writes - a password, a text of several lines, a file - says
    nothing."""
    form = page.document.first(selector)
    found: dict[str, tuple[str, ...]] = {}
    for control in page.controls:
        name = control.get("name")
        is_of_form = form is not None and control.form is not None and control.form.mem_id == form.mem_id
        if name and is_of_form and not has(control.node, "disabled") and len(found) < _MOST_FIELDS:
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *_values(control))))
    return {name: values for name, values in found.items() if values}


def _values(control: Control) -> tuple[str, ...]:
    if control.tag == "select":
        return tuple(_value_of(option) for option in control.node.css("option"))
    if control.type in _CHOICES:
        return (control.node.attrs.get("value") or "on",)
    return (control.node.attrs.get("value") or "",) if control.is_text or control.type == "hidden" else ()


def _value_of(option: LexborNode) -> str:
    """HTML §4.10.10: without a value of its own an option says its text."""
    return option.attrs.get("value") or ("" if has(option, "value") else " ".join(option.text().split()))
