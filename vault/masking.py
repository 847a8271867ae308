"""What of a personal value may be shown (facts: 服务部门用户 spec §2.5)."""

import re

_MOBILE = re.compile(r"1\d{10}\Z")
_ID_CARD = re.compile(r"\d{17}[\dXx]\Z")
_BANK_CARD = re.compile(r"\d{16,19}\Z")
_LANDLINE = re.compile(r"(010|02\d|0[3-9]\d{2})-?\d{3,4}(\d{4})\Z")


def mask(value: str) -> str:
    """A value by its form: mobile 3+4, ID card 1+1, bank card 6+4, landline area + last 4, e-mail first three, anything
    else first and last third."""
    if _MOBILE.match(value):
        return _ends(value, 3, 4)
    if _ID_CARD.match(value):
        return _ends(value, 1, 1)
    if _BANK_CARD.match(value):
        return _ends(value, 6, 4)
    if landline := _LANDLINE.match(value):
        return f"{landline[1]}-****{landline[2]}"
    if "@" in value:
        local, _, domain = value.partition("@")
        return f"{local[:3]}***@{domain}"
    return _ends(value, len(value) // 3, len(value) // 3)


def _ends(value: str, first: int, last: int) -> str:
    return f"{value[:first]}{'*' * (len(value) - first - last)}{value[len(value) - last :]}"
