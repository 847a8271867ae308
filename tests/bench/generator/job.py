"""What a generator is told, and what it tells."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import orjson


@dataclass(frozen=True)
class Target:
    """Where a client and its signed-in person meet a server. `authorize` is the whole address but for PKCE; `page` is
    what the mode `page` fetches with `headers`."""

    authorize: str = ""
    token: str = ""
    introspection: str = ""
    userinfo: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    redirect_uri: str = ""
    own_scope: str = ""
    cookies: str = field(default="", repr=False)
    page: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Job:
    """`seconds` are counted after `warm_up`. `core` is where the process belongs; None: wherever it was started."""

    mode: str
    target: Target
    connections: int
    seconds: float
    warm_up: float
    core: int | None = None

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        told: dict[str, Any] = orjson.loads(text)
        return cls(**told | {"target": Target(**told["target"])})


@dataclass(frozen=True)
class Result:
    """`done` is what was counted, `turns` all that succeeded. `latencies` are milliseconds of what was counted,
    `cpu_share` the part of its core that the generator used."""

    done: int
    turns: int
    failed: int
    first_failure: str
    seconds: float
    cpu_share: float
    latencies: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def quantile(self, part: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[int(part * (len(ordered) - 1))] if ordered else 0.0

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        return cls(**orjson.loads(text))


def joined(results: Sequence[Result]) -> Result:
    """As one: of processes that ran side by side. The busiest decides whether the generator was fast enough."""
    return Result(
        done=sum(result.done for result in results),
        turns=sum(result.turns for result in results),
        failed=sum(result.failed for result in results),
        first_failure=next((result.first_failure for result in results if result.first_failure), ""),
        seconds=max(result.seconds for result in results),
        cpu_share=max(result.cpu_share for result in results),
        latencies=[latency for result in results for latency in result.latencies],
    )
