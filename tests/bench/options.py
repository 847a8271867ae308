"""What a run is told on its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROWS = (
    "client_credentials",
    "authorize",
    "hop",
    "refresh",
    "introspection",
    "userinfo",
    "gateway /small",
    "gateway /block",
)
SERVERS = ("yimen-postgresql", "yimen-postgresql-filled", "yimen-sqlite", "oidc-provider", "keycloak")


@dataclass(frozen=True)
class Options:
    """`whole` is False for a look at a part, which is printed and not written."""

    node: Path | None
    keycloak: Path | None
    rounds: int
    seconds: float
    connections: int
    generators: int
    servers: tuple[str, ...]
    rows: tuple[str, ...]
    inside: bool
    whole: bool

    @property
    def warm_up(self) -> float:
        return self.seconds / 4


def parse(arguments: Sequence[str] | None = None) -> Options:
    given = _parser().parse_args(arguments)
    servers = tuple(given.servers or _available(given.node, given.keycloak))
    rows = tuple(given.rows or ROWS)
    return Options(
        node=given.node,
        keycloak=given.keycloak,
        rounds=1 if given.quick else given.rounds,
        seconds=1.0 if given.quick else given.seconds,
        connections=given.connections,
        generators=given.generators,
        servers=servers,
        rows=rows,
        inside=not given.no_inside,
        whole=not (given.quick or given.servers or given.rows or given.no_inside),
    )


def _available(node: Path | None, keycloak: Path | None) -> list[str]:
    without = {name for name, given in (("oidc-provider", node), ("keycloak", keycloak)) if given is None}
    return [server for server in SERVERS if server not in without]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add("--node", type=Path, metavar="DIR", help="its node_modules has oidc-provider 9, and may have node")
    add("--keycloak", type=Path, metavar="DIR", help="an unpacked distribution of Keycloak")
    add("--rounds", type=int, default=3, help="of all rows at all servers; medians are taken (3)")
    add("--seconds", type=float, default=4.0, help="a row is counted in each round (4)")
    add("--connections", type=int, default=16, help="at a time (16)")
    add("--generators", type=int, default=1, help="processes that share the connections (1)")
    add("--servers", nargs="+", choices=SERVERS, help="only these")
    add("--rows", nargs="+", choices=ROWS, help="only these")
    add("--no-inside", action="store_true", help="leave out what is measured inside one process")
    add("--quick", action="store_true", help="one round of a second: a look, which is not written")
    return parser
