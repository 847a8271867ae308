"""The servers of one PostgreSQL, of which one takes writes. They are tried in turn, the last good one first.

Each has a few seconds to answer. One whose machine is gone answers nothing, not even no, and must not use up the time
of the one that took over.
"""

from typing import Any

import asyncpg

# As long as a server that works may take, over TLS, on a busy day.
_ANSWERS_WITHIN = 5.0


class Hosts:
    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of `asyncpg.connect`, where several hosts and ports stand in lists."""
        self._options = {name: value for name, value in options.items() if name not in ("host", "port")}
        self._places = _places(options)

    async def connect(self, **further: Any) -> asyncpg.Connection:
        """Raises what the last of them raised."""
        last: Exception | None = None
        for place in list(self._places):
            try:
                raw = await asyncpg.connect(**further | self._options | place | {"timeout": _ANSWERS_WITHIN})
            except Exception as error:
                # The driver raises of every kind here: of the network, of the server, of its own options.
                last = error
                continue
            self._places.remove(place)
            self._places.insert(0, place)
            return raw
        assert last is not None
        raise last


def _places(options: dict[str, Any]) -> list[dict[str, Any]]:
    host, port = options.get("host"), options.get("port")
    if not isinstance(host, list):
        return [{name: options[name] for name in ("host", "port") if name in options}]
    ports = port if isinstance(port, list) else [port] * len(host)
    return [{"host": one} | ({} if at is None else {"port": at}) for one, at in zip(host, ports, strict=True)]
