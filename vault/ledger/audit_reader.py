"""The lines of an audit file on disk, compressed or not. A line that is longer than any event is comes in pieces."""

import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from core.offload import off_loop
from vault.errors import VaultError

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
# Fast: what is written once is read as often, and most of the size goes at any level.
_LEVEL = 3
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def read_lines(path: Path) -> Iterator[bytes]:
    """Raises OSError for a file that cannot be read, and ERR-AUDIT_FILE for one whose compression is damaged."""
    with path.open("rb") as plain:
        is_compressed = plain.read(2) == _GZIP
        plain.seek(0)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if is_compressed else plain
        try:
            yield from _lines(stream)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise VaultError("ERR-AUDIT_FILE", f"{path}: the compression is damaged or breaks off: {error}") from None


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(_PIECE):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > _PIECE:
            yield rest
            rest = b""
    if rest:
        yield rest


async def compressed(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces as one gzip stream."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    async for piece in pieces:
        if packed := await off_loop(len(piece), packer.compress, piece):
            yield packed
    yield packer.flush()
