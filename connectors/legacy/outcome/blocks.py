"""What a person reads on a page, one block after the other.

A sentence stands in one block. The label "captcha" and the message "wrong user name" that follows it in the page say
nothing together, so what is searched for never goes from one block to the next: the expressions of phrases.py all stop
at the sign that is put between them.
"""

from selectolax.lexbor import LexborNode

BETWEEN = "<"

# What a sentence goes through; anything else begins a block of its own.
_INLINE = frozenset(
    {
        *("abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins"),
        *("kbd", "mark", "nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var"),
    }
)
_DEEPEST = 32


def text_by_blocks(root: LexborNode) -> str:
    """The words of the page with one space between them, and the sign between those of two blocks."""
    words: list[str] = []
    block = None
    for node in root.traverse(include_text=True):
        if node.tag != "-text":
            if str(node.tag) not in _INLINE:
                block = None
        elif found := (node.text_content or "").split():
            own = _block_of(node)
            if words and own != block:
                words.append(BETWEEN)
            words += found
            block = own
    return " ".join(words)


def _block_of(node: LexborNode) -> object:
    """Which block a text stands in; a page may be nested without sense."""
    current = node.parent
    for _ in range(_DEEPEST):
        if current is None or current.parent is None or str(current.tag) not in _INLINE:
            break
        current = current.parent
    return current.mem_id if current is not None else None
