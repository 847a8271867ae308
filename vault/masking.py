"""What of a personal value may be shown (facts: 服务部门用户 spec §2.5)."""

import re

_MOBILE = re.compile(r"1\d{10}\Z")
_ID_CARD = re.compile(r"\d{17}[\dXx]\Z")


def mask(value: str) -> str:
    """A value by its form: mobile 3+4, ID card 1+1, e-mail first three, anything else first and last third."""
    if _MOBILE.match(value):
        return f"{value[:3]}****{value[-4:]}"
    if _ID_CARD.match(value):
        return f"{value[0]}{'*' * 16}{value[-1]}"
    if "@" in value:
        local, _, domain = value.partition("@")
        return f"{local[:3]}***@{domain}"
    shown = len(value) // 3
    if shown == 0:
        return "*" * len(value)
    return f"{value[:shown]}{'*' * (len(value) - 2 * shown)}{value[-shown:]}"


def mask_name(name: str) -> str:
    """A person's name without its first character."""
    return f"*{name[1:]}"
