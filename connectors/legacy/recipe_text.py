"""Reading a recipe's YAML with the line of every field, so that a mistake can be pointed at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_MAX_BYTES = 64 * 1024
_MAX_DEPTH = 12

_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)

Path = tuple[int | str, ...]


class TextError(Exception):
    """The text is no YAML mapping that a recipe could be; `line` counts from 1."""

    def __init__(self, line: int, message: str, field: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.field = field
        self.message = message


@dataclass(frozen=True)
class RecipeText:
    """The document, and where each of its fields stands."""

    document: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of `path`, or of the nearest part above it (a missing field has no line of its own)."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_text(text: str) -> RecipeText:
    """Reads YAML or JSON. Raises TextError on broken, doubled, aliased, oversized or too deep content."""
    if len(text.encode(errors="replace")) > _MAX_BYTES:
        raise TextError(1, "the recipe is larger than 64 KiB")
    try:
        _refuse_bombs(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise TextError(mark.line + 1 if mark else 1, getattr(error, "problem", None) or "not YAML") from None
    except (RecursionError, ValueError):
        raise TextError(1, "not YAML that a recipe could be") from None
    if not isinstance(document, dict):
        raise TextError(1, "a recipe is a mapping, e.g. `id: my-system`")
    lines: dict[Path, int] = {}
    _walk(root, (), lines)
    return RecipeText(document, lines)


def _refuse_bombs(text: str) -> None:
    """An alias can make a small file enormous (the "billion laughs"), nesting can exhaust the parser."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise TextError(token.start_mark.line + 1, "aliases (*name) are not allowed")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            raise TextError(token.start_mark.line + 1, "nested too deeply")


def _walk(node: Any, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            name = (*path, str(key.value))
            if name in lines:
                raise TextError(key.start_mark.line + 1, "stands here twice", str(key.value))
            lines[name] = key.start_mark.line + 1
            _walk(child, name, lines)
