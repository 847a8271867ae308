"""The charset of a form: that of its page (HTML §4.10.22.5)."""

import codecs

from connectors.gateway.swap.body.place import AmbiguousBodyError

# Charsets in which an ASCII byte may mean something else than itself.
_NOT_OVER_ASCII = ("utf-16", "utf-32", "utf-7", "hz", "iso2022")


def known_charset(name: str) -> str:
    """The codec's own name. Raises AmbiguousBodyError for one that is unknown, or not built on ASCII."""
    try:
        found = codecs.lookup(name.strip().lower() or "utf-8").name
    except LookupError:
        raise AmbiguousBodyError("a charset that is not known") from None
    if found.startswith(_NOT_OVER_ASCII) or not codecs.lookup(found)._is_text_encoding:
        raise AmbiguousBodyError("a charset that is not built on ASCII")
    # Browsers read and write GBK as GB18030 (Encoding Standard §10).
    return "gb18030" if found in ("gbk", "gb2312") else found


def text_of(value: bytes, charset: str) -> str | None:
    try:
        return value.decode(charset)
    except UnicodeDecodeError:
        return None


def in_charset(value: bytearray, charset: str) -> bytearray:
    """UTF-8 text in another charset; what that cannot say becomes a character reference, as in browsers."""
    if charset == "utf-8" or value.isascii():
        return value
    return bytearray(value.decode().encode(charset, "xmlcharrefreplace"))
