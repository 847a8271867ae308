"""A legacy page as a tree: decoded as a browser would, its elements named by selectors that are unique."""

import codecs
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from connectors.legacy.page.nesting import is_beyond_sense
from connectors.legacy.patterns import Pattern

_META_CHARSET = Pattern(r"""(?i)<meta[^>]+?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]+)""")
_CHARSET = Pattern(r"""(?i)charset\s*=\s*["']?([\w.:-]+)""")
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Encoding Standard §4.2: what browsers make of these labels.
_LABELS = {
    "gb2312": "gbk",
    "gb_2312": "gbk",
    "gb_2312-80": "gbk",
    "x-gbk": "gbk",
    "cp936": "gbk",
    "ms936": "gbk",
    "utf8": "utf-8",
    "iso-8859-1": "windows-1252",
    "latin1": "windows-1252",
    "ascii": "windows-1252",
    "us-ascii": "windows-1252",
    "x-x-big5": "big5",
}
# The encodings of browsers (Encoding Standard §4.2), by Python's names: neither its codecs that are none, such as
# base64, nor utf-7, which makes markup of harmless text.
_CODECS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030", "big5", "big5hkscs", "cp950"}
    | {"euc_jp", "iso2022_jp", "shift_jis", "cp932", "euc_kr", "cp949", "koi8-r", "koi8-u", "cp866", "cp874", "tis-620"}
    | {"mac-roman", "mac-cyrillic"}
    | {f"cp{number}" for number in range(1250, 1259)}
    | {f"iso8859-{number}" for number in range(2, 17)}
)
_MAX_DEPTH = 256
_MAX_BRIEF = 60
# To look for the n-th of its kind costs a browser, and the parser, the square of n.
_MAX_RANK = 500
_SAFE_NAME = Pattern(r"-?[A-Za-z_][A-Za-z0-9_-]*")


def decode(content: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and its charset: of the byte order mark, the HTTP header, the page's own meta, or a guess.

    What cannot be read becomes U+FFFD, as in a browser.
    """
    for mark, marked in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(marked, "replace"), marked
    for label in (declared, _meta_charset(content)):
        if label and (name := charset_name(label)):
            return content.decode(_codec(name), "replace"), name
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError:
        return content.decode("gb18030", "replace"), "gbk"


def charset_of(content_type: str) -> str | None:
    """The charset parameter of a Content-Type."""
    match = _CHARSET.search(content_type)
    return match[1] if match else None


def charset_name(label: str) -> str | None:
    """The name browsers know the label by, or None for an unknown one."""
    name = label.strip().strip("\"'").lower()
    name = _LABELS.get(name, name)
    try:
        known = codecs.lookup(_codec(name)).name in _CODECS
    except (LookupError, ValueError):
        return None
    return name if known else None


def _codec(name: str) -> str:
    # GB 18030 reads everything GBK can, and what browsers read beyond it.
    return "gb18030" if name == "gbk" else name


def _meta_charset(content: bytes) -> str | None:
    match = _META_CHARSET.search(content[:4096].decode("latin-1"))
    return match[1] if match else None


def attribute(node: LexborNode, name: str) -> str:
    return (node.attrs.get(name) or "").strip()


def has(node: LexborNode, name: str) -> bool:
    """True when the attribute is there, with or without a value."""
    return name in node.attrs


def lineage(node: LexborNode) -> Iterator[LexborNode]:
    """The element and what holds it, from the inside out; bounded, for a page may be nested without sense."""
    current: LexborNode | None = node
    for _ in range(_MAX_DEPTH):
        if current is None or not current.is_element_node:
            return
        yield current
        current = current.parent


def brief_text_of(node: LexborNode) -> str:
    """What a label or a button says: of an element that holds half the page, only how it begins."""
    inside = islice(node.traverse(include_text=True), _MAX_BRIEF)
    return " ".join(" ".join(one.text_content or "" for one in inside if one.tag == "-text").split())


def joined(base: str, target: str) -> str:
    """The absolute address of `target`; empty for one that no browser could follow."""
    try:
        return urljoin(base, target)
    except ValueError:
        return ""


def said_by(node: LexborNode) -> str:
    """What something to press says: its text, value or title, or that of the picture in it."""
    said = brief_text_of(node) or next(
        (one for name in ("value", "alt", "aria-label", "title") if (one := attribute(node, name))), ""
    )
    picture = None if said else node.css_first("img")
    return said if picture is None else attribute(picture, "alt") or attribute(picture, "title")


class Document:
    """A parsed page. `charset` is the page's, by the name browsers use. `is_refused`: it is nested beyond sense and was
    not parsed; nothing is found in it."""

    def __init__(self, html: str | bytes, charset: str | None = None) -> None:
        if isinstance(html, bytes):
            self.text, self.charset = decode(html, charset)
        else:
            self.text, self.charset = html, (charset_name(charset) if charset else None) or "utf-8"
        self.is_refused = is_beyond_sense(self.text)
        self.tree = LexborHTMLParser("" if self.is_refused else self.text)

    def all(self, selector: str) -> list[LexborNode]:
        """The elements a selector matches; none for a selector that is not one."""
        try:
            return self.tree.css(selector)
        except (SelectolaxError, ValueError):
            return []

    def first(self, selector: str) -> LexborNode | None:
        return next(iter(self.all(selector)), None)

    def selector_of(self, node: LexborNode) -> str:
        """A CSS selector of this element and no other: by id, name, placeholder, type, else by its place. Empty for one
        among more of its kind than any page has."""
        tag = str(node.tag)
        candidates = [
            f"{tag}[{name}={_quoted(value)}]"
            for name in ("name", "placeholder", "type")
            if (value := attribute(node, name)) and value == node.attrs.get(name)
        ]
        if identifier := attribute(node, "id"):
            by_id = f"#{identifier}" if _SAFE_NAME.fullmatch(identifier) else f"[id={_quoted(identifier)}]"
            candidates.insert(0, by_id)
        return next((one for one in candidates if self._is_only(one, node)), None) or self._by_place(node)

    def _is_only(self, selector: str, node: LexborNode) -> bool:
        found = self.all(selector)
        return len(found) == 1 and found[0].mem_id == node.mem_id

    def _by_place(self, node: LexborNode) -> str:
        steps: list[str] = []
        current: LexborNode | None = node
        while current is not None and current.is_element_node:
            identifier = attribute(current, "id")
            if steps and _SAFE_NAME.fullmatch(identifier) and self._is_only(f"#{identifier}", current):
                steps.append(f"#{identifier}")
                break
            rank = _rank(current)
            if rank > _MAX_RANK:
                return ""
            steps.append(f"{current.tag}:nth-of-type({rank})")
            current = current.parent
        return " > ".join(reversed(steps))


def _rank(node: LexborNode) -> int:
    rank, sibling = 1, node.prev
    while sibling is not None and rank <= _MAX_RANK:
        rank += sibling.tag == node.tag
        sibling = sibling.prev
    return rank


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\a ").replace("\r", "\\d ")
    return f'"{escaped}"'
