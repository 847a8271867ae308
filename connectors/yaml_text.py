"""YAML (and JSON) that people write for Yimen, read strictly: what would be lost, changed or endless is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

# A number is read as one only when it is written as it will be shown: `0123` would become 83 (YAML 1.1 §10.2.1.4).
_LONGEST_NUMBER = 40
_LARGEST_NUMBER = 2**63 - 1
_TAG = "tag:yaml.org,2002:"
_KINDS: Mapping[str, str] = {
    f"{_TAG}map": "mapping",
    f"{_TAG}seq": "list",
    f"{_TAG}merge": "merge",
    f"{_TAG}str": "text",
    f"{_TAG}int": "whole number",
    f"{_TAG}float": "number",
    f"{_TAG}bool": "truth value",
    f"{_TAG}null": "null",
    f"{_TAG}timestamp": "date",
}


class TextError(Exception):
    """The text is no document of the wanted kind; `line` counts from 1."""

    def __init__(self, line: int, message: str, field: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.field = field
        self.message = message


@dataclass(frozen=True)
class Limits:
    """How large a document may be. `aliased`: how many values its aliases (*name) may stand for; 0: it has none."""

    size: int
    depth: int
    aliased: int = 0


def read_yaml(text: str, limits: Limits) -> tuple[Any, yaml.Node | None]:
    """The document, and its nodes, which know their lines. Raises TextError; a message shows no value."""
    if len(text.encode(errors="replace")) > limits.size:
        raise TextError(1, f"larger than {_readable(limits.size)}")
    loader: _StrictLoader | None = None
    try:
        loader = _StrictLoader(text, limits)
        root = loader.get_single_node()
        return (loader.construct_document(root) if root is not None else None), root
    except yaml.reader.ReaderError as error:
        raise TextError(1, error.reason) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise TextError(mark.line + 1 if mark else 1, getattr(error, "problem", None) or "not YAML") from None
    finally:
        if loader is not None:
            loader.dispose()


class _StrictLoader(yaml.SafeLoader):
    """Refuses doubled keys, tags of other languages, depth and bombs, and numbers that would not be kept as written."""

    def __init__(self, text: str, limits: Limits) -> None:
        super().__init__(text)
        self._limits = limits
        self._depth = 0
        self._nodes = 0
        self._aliased = 0
        self._size_of_anchor: dict[str, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            self._count_alias(event)
            return super().compose_node(parent, index)
        self._depth += 1
        if self._depth > self._limits.depth:
            raise TextError(event.start_mark.line + 1, "nested too deeply")
        before = self._nodes
        self._nodes += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if event.anchor is not None:
            self._size_of_anchor[event.anchor] = self._nodes - before
        return node

    def _count_alias(self, alias: Any) -> None:
        """An alias can make a small file enormous (the "billion laughs"), or a value a part of itself."""
        anchor, line = alias.anchor, alias.start_mark.line + 1
        if not self._limits.aliased:
            raise TextError(line, "aliases (*name) are not allowed")
        if anchor in self.anchors and anchor not in self._size_of_anchor:
            raise TextError(line, "an alias (*name) stands inside what it names")
        size = self._size_of_anchor.get(anchor, 0)
        self._nodes += size
        self._aliased += size
        if self._aliased > self._limits.aliased:
            raise TextError(line, "the aliases (*name) stand for too much")

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        _require_known_tag(node)
        seen = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise TextError(_line(key), "stands here twice", name)
            seen.add(name)
        return node

    def compose_sequence_node(self, anchor: Any) -> yaml.SequenceNode:
        node: yaml.SequenceNode = super().compose_sequence_node(anchor)
        _require_known_tag(node)
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node: yaml.ScalarNode = super().compose_scalar_node(anchor)
        _require_known_tag(node)
        if node.tag in (f"{_TAG}int", f"{_TAG}float") and len(node.value) > _LONGEST_NUMBER:
            raise _unquoted(node, "a number this long is none")
        node.value = _joined(node)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            raise _unquoted(node, f"not a {_KINDS[node.tag]}") from None
        if isinstance(value, int | float) and not isinstance(value, bool):
            _require_faithful(value, node)
        return value


def _require_known_tag(node: yaml.Node) -> None:
    if node.tag not in _KINDS:
        raise TextError(_line(node), f"the tag {node.tag.replace(_TAG, '!!')} is not allowed")


def _require_faithful(value: float, node: yaml.Node) -> None:
    if not isfinite(value) or abs(value) > _LARGEST_NUMBER:
        raise _unquoted(node, "a number beyond all bounds")
    if str(value) != node.value:
        raise _unquoted(node, f"it would be read as another {_KINDS[node.tag]}")


def _joined(node: yaml.ScalarNode) -> str:
    """The text with every pair of surrogates made the one character it stands for: JSON escapes it so (RFC 8259 §7)."""
    text: str = node.value
    if "\x00" in text:
        raise TextError(_line(node), "the character NUL is not allowed")
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise TextError(_line(node), "half a surrogate pair is no character") from None


def _unquoted(node: yaml.Node, why: str) -> TextError:
    return TextError(_line(node), f"{why}; put a text in quotes")


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _readable(size: int) -> str:
    return f"{size // 1024**2} MiB" if size >= 1024**2 else f"{size // 1024} KiB"
