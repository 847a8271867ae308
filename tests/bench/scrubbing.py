"""What it costs to take a secret out of an answer, usual or hostile. `python -m tests.bench.scrubbing` shows more."""

import base64
import json
import random
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.table import Table

from connectors.gateway.answers.scrub import Scrubber
from tests.bench.line import Line
from tests.bench.load import repeated

_SIZE = 1_000_000
_PIECE = 16 * 1024
_SECRETS = ("Tr0ub4dor&3xYz!q", "兰亭密码二零二六", "a" * 31 + "b")
_ROW = (
    '<tr class="row"><td title="a &amp; b"><a href="/a?b=%E4%B8%AD&amp;c=1">Li Lan 李兰</a></td><td>2026-07</td></tr>\n'
)


def _mixed(secret: str, chance: random.Random) -> bytes:
    """Beginnings of the secret, each character in another writing."""
    ways: list[Callable[[int], str]] = [
        chr,
        lambda code: f"&#{code};",
        lambda code: f"&amp;#x{code:x};",
        lambda code: f"\\u{code:04x}",
        lambda code: "".join(f"%25{value:02x}" for value in chr(code).encode()),
    ]
    written: list[str] = []
    while len(written) < _SIZE:
        written += (chance.choice(ways)(ord(one)) for one in secret[: chance.randrange(1, len(secret))])
    return "".join(written).encode()[:_SIZE]


def _answers(secret: str) -> dict[str, bytes]:
    chance = random.Random(1)
    rows = [{"id": at, "name": "李兰 & Co", "note": 'x "y"', "link": "/a/b"} for at in range(20_000)]
    return {
        "HTML": (_ROW.encode() * 20_000)[:_SIZE],
        "JSON": json.dumps(rows).encode()[:_SIZE],
        "binary": chance.randbytes(_SIZE),
        "base64": base64.b64encode(chance.randbytes(_SIZE))[:_SIZE],
        "beginnings of the secret in mixed writings": _mixed(secret, chance),
        "the secret again and again": (secret.encode() + b" ") * (_SIZE // len(secret.encode() + b" ")),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def _streamed(scrubber: Scrubber, answer: bytes) -> None:
    stream = scrubber.stream()
    for at in range(0, len(answer), _PIECE):
        stream.feed(answer[at : at + _PIECE])
    stream.finish()


def measure(seconds: float) -> list[Line]:
    """A megabyte again and again, in the pieces in which it comes."""
    secret = _SECRETS[0]
    scrubber = Scrubber([secret.encode()])
    lines = []
    for name, answer in _answers(secret).items():
        rate = repeated(partial(_streamed, scrubber, answer), seconds=seconds)
        copies = repeated(answer.lower, seconds=seconds)
        lines.append(Line(f"scrub: {name}", rate, copies, "copies in lower case", unit=" MB/s"))
    return lines


def main() -> None:
    table = Table(
        "secret", "answer", "build ms", "first 1 MB", "next 1 MB", "in pieces", box=None, padding=(0, 3, 0, 0)
    )
    for secret in _SECRETS:
        for name, answer in _answers(secret).items():
            built: list[Scrubber] = []
            costs = [_milliseconds(lambda made=built, one=secret: made.append(Scrubber([one.encode()])))]  # type: ignore[misc]
            for work in (built[0].scrub, built[0].scrub, lambda text, by=built[0]: _streamed(by, text)):
                costs.append(_milliseconds(lambda act=work, text=answer: act(text)))  # type: ignore[misc]
            table.add_row(secret, name, *(f"{cost:.1f}" for cost in costs))
    Console(highlight=False, width=140).print(table)


if __name__ == "__main__":
    main()
