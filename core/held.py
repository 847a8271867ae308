"""Whether a unit of work is open here. Others may wait for what it holds, so nothing slow or foreign is waited for in
it: no slow hashing, no network, no rendering (DESIGN §4a.29)."""

from contextvars import ContextVar

# Counted, not reset by a token: a unit may end in another context than the one it began in.
_open: ContextVar[int] = ContextVar("open units of work", default=0)


def begin_holding() -> None:
    """A unit of work begins."""
    _open.set(_open.get() + 1)


def end_holding() -> None:
    _open.set(max(_open.get() - 1, 0))


def require_nothing_held(what: str) -> None:
    """Raises TypeError in a unit of work, where `what` would have others wait: a mistake in Yimen itself."""
    if _open.get():
        raise TypeError(f"{what} in a unit of work: others would wait for it")
