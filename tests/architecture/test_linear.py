"""DESIGN §4a.26: no pattern of more than linear cost meets bytes of others on the wire, or in what all stands on."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.gateway.wire.answer_head import AnswerError, parse_head
from connectors.gateway.wire.framing import ChunkedFrames
from connectors.gateway.wire.headers import Peer, browser_headers, cookies_of, upstream_headers
from connectors.gateway.wire.paths import _is_ambiguous
from connectors.gateway.wire.rewrite import OriginMap, is_rewritable
from connectors.origin import ExactOrigin
from core.origins import is_dns_name
from tests.cpu import least_seconds

ROOT = Path(__file__).resolve().parents[2]
ORIGINS = OriginMap(ExactOrigin.parse("http://10.3.2.1:8080"), "https://oa.gw.example")
UNITS = [
    "a",
    "a.",
    "-",
    "%",
    "%25",
    "../",
    "//",
    ":",
    ";",
    "; ",
    ",",
    " ",
    "\t",
    "=",
    "yimen-",
    "x-user-",
    "\r\n ",
    "0\r\n",
]
UNITS += ["http://10.3.2.1:808", "\x00", "é", "＼", "．"]


@pytest.mark.parametrize("folder", ["core", "connectors/gateway/wire"])
def test_nothing_there_uses_backtracking_expressions(folder: str) -> None:
    """Bytes are searched by operations of linear cost: `re` backtracks."""
    wrong = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong += [
                f"{path.relative_to(ROOT)} imports {name}" for name in names if name in ("re", "regex", "fnmatch")
            ]
    assert wrong == []


def _head(text: str) -> None:
    try:
        parse_head(b"HTTP/1.1 200 OK\r\nA: " + text.encode("utf-8") + b"\r\n\r\n")
    except AnswerError:
        return


def _chunks(text: str) -> None:
    try:
        ChunkedFrames().feed(text.encode("utf-8"))
    except AnswerError:
        return


def _to_browser(text: str) -> None:
    latin = text.encode("utf-8").decode("latin-1")
    names = ("set-cookie", "location", "content-security-policy", "link", "connection")
    browser_headers([(name, latin) for name in names], ORIGINS, secure=False)


def _to_upstream(text: str) -> None:
    latin = text.encode("utf-8").decode("latin-1")
    upstream_headers([("cookie", latin), ("referer", latin), ("connection", latin), (latin, "x")], ORIGINS, Peer(), "")
    cookies_of([("cookie", latin)])


READERS: list[Callable[[str], object]] = [
    _head,
    _chunks,
    _to_browser,
    _to_upstream,
    _is_ambiguous,
    is_dns_name,
    is_rewritable,
    lambda text: ORIGINS.rewrite(text.encode("utf-8")),
    lambda text: list(ORIGINS.stream().feed(text.encode("utf-8"))),
    lambda text: ORIGINS.query_to_upstream("/?" + text.encode("utf-8").decode("latin-1")),
]


@pytest.mark.parametrize("unit", UNITS)
def test_every_reader_takes_time_in_proportion(unit: str) -> None:
    """Eight times the text may take some thirty times as long on a busy machine; quadratic would be sixty-four."""
    small, large = unit * (32 * 1024 // len(unit)), unit * (256 * 1024 // len(unit))
    for read in READERS:
        assert _seconds(read, large) < 32 * _seconds(read, small) + 0.1, read


def _seconds(read: Callable[[str], object], text: str) -> float:
    return least_seconds(lambda: read(text))
