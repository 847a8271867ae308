"""What it costs to put the gateway's address for the system's into a page, a megabyte at a time."""

from functools import partial

from connectors.gateway.wire.rewrite import OriginMap
from connectors.origin import ExactOrigin
from tests.bench.line import Line
from tests.bench.load import repeated

_ORIGINS = OriginMap(ExactOrigin.parse("http://10.3.2.1:8080"), "https://oa.gw.example")
_MEGABYTE = 1024 * 1024
_MARKUP = b"<td class='name'><a href='/detail?id=1'>http://elsewhere/</a></td>\n"
_LINK = b"<a href='http://10.3.2.1:8080/detail?id=1'>x</a>\n"


def measure(seconds: float) -> list[Line]:
    """DESIGN §4a.26: below ten milliseconds a megabyte is above 100 MB/s."""
    pages = {
        "rewrite: a page without addresses": _page(_MARKUP),
        "rewrite: one address in 4 KB": _page(_MARKUP * 60 + _LINK),
        "rewrite: nothing but addresses": _page(_LINK),
    }
    lines = []
    for name, page in pages.items():
        rate = repeated(partial(_ORIGINS.rewrite, page), seconds=seconds)
        copies = repeated(page.lower, seconds=seconds)
        lines.append(Line(name, rate, copies, "copies in lower case", asked=100, unit=" MB/s"))
    return lines


def _page(unit: bytes) -> bytes:
    return (unit * (_MEGABYTE // len(unit) + 1))[:_MEGABYTE]
