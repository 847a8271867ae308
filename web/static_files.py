"""The built styles, scripts and images: held in memory, named by their content, cached for ever.

`npm run build` writes them to `web/static/built` with a manifest of their hashed names. Only a name of the manifest
is ever served, so no path reaches the disk.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.errors import ConfigurationError, YimenError

BUILT = Path(__file__).parent / "static" / "built"
PREFIX = "/static/"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Assets:
    """Logical names (`app.css`) to hashed ones, the drawings of the icons, and the bytes to serve."""

    names: dict[str, str]
    icons: dict[str, str]
    contents: dict[str, tuple[bytes, bytes | None]]

    def address(self, name: str) -> str:
        return f"{PREFIX}{self.names[name]}"


@cache
def load_assets(folder: Path = BUILT) -> Assets:
    """Raises ERR-ASSETS when the pages have not been built."""
    try:
        names: dict[str, str] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        icons: dict[str, str] = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
        contents = {hashed: _read(folder / hashed) for hashed in names.values()}
    except OSError as error:
        raise ConfigurationError("ERR-ASSETS", "the pages are not built: run `npm ci && npm run build`") from error
    return Assets(names, icons, contents)


def static_routes() -> list[Route]:
    files = _StaticFiles(load_assets())
    return [
        Route(f"{PREFIX}{{name}}", files.serve, methods=["GET"]),
        Route("/favicon.ico", files.favicon, methods=["GET"]),
    ]


class _StaticFiles:
    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._assets.contents:
            raise YimenError("ERR-NOT_FOUND", "no such static file", status=404)
        plain, packed = self._assets.contents[name]
        headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding"}
        if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            plain = packed
        return Response(plain, media_type=_TYPES[Path(name).suffix], headers=headers)

    async def favicon(self, _request: Request) -> Response:
        return RedirectResponse(self._assets.address("door.svg"), 302, {"cache-control": "public, max-age=86400"})


def _read(path: Path) -> tuple[bytes, bytes | None]:
    packed = path.with_name(f"{path.name}.gz")
    return path.read_bytes(), packed.read_bytes() if packed.exists() else None
