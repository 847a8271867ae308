"""Reading a recipe's YAML with the line of every field, so that a mistake can be pointed at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from connectors.yaml_text import Limits, TextError, read_yaml

__all__ = ["RecipeText", "TextError", "read_text"]

_LIMITS = Limits(size=64 * 1024, depth=12)

Path = tuple[int | str, ...]


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
    document, root = read_yaml(text, _LIMITS)
    if not isinstance(document, dict):
        raise TextError(1, "a recipe is a mapping, e.g. `id: my-system`")
    lines: dict[Path, int] = {}
    _walk(root, (), lines)
    return RecipeText(document, lines)


def _walk(node: Any, path: Path, lines: dict[Path, int]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            name = (*path, str(key.value))
            lines[name] = key.start_mark.line + 1
            _walk(child, name, lines)
