"""JSON Pointer (RFC 6901), read only."""

import re
from typing import Any

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]*")


def is_pointer(text: str) -> bool:
    """RFC 6901 §3: empty, or parts that each start with a slash; `~` only as `~0` and `~1`."""
    return (not text or text.startswith("/")) and re.search(r"~(?![01])", text) is None


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
