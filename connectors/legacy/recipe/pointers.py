"""JSON Pointer (RFC 6901), read only."""

from typing import Any

from connectors.legacy.patterns import Pattern

# No document has more items than nine digits say.
_ARRAY_INDEX = Pattern(r"0|[1-9][0-9]{0,8}")


def is_pointer(text: str) -> bool:
    """RFC 6901 §3: empty, or parts that each start with a slash; `~` only as `~0` and `~1`."""
    return (not text or text.startswith("/")) and "~" not in text.replace("~0", "").replace("~1", "")


def value_at(document: Any, pointer: str) -> Any:
    """What stands at `pointer`. Raises KeyError when nothing does."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _ARRAY_INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            raise KeyError(pointer)
    return document
