"""Structured logs. Every line inside a request carries its request id."""

import logging
import sys
import time
from typing import Literal

import orjson
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

__all__ = ["Seldom", "bind_contextvars", "clear_contextvars", "configure_logs", "logger", "request_id"]

_SELDOM_SECONDS = 60.0


def configure_logs(level: str = "INFO", style: Literal["json", "console"] = "json") -> None:
    """Sends our own logs and the servers' logs to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # What libraries say at DEBUG holds whatever they are given: statements with their values, requests with theirs.
    root.setLevel(max(logging.getLevelNamesMapping()[level.upper()], logging.INFO))
    # Access lines hold full URLs with queries; ours hold the route only.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)  # what it did, `migrate` says in a line


class _Lines:
    """Writes lines to standard error, whatever that is at the moment."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    log = debug = info = warn = warning = error = critical = fatal = exception = failure = err = msg


def _json(event: structlog.typing.EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    return structlog.get_logger(part=name)  # type: ignore[no-any-return]


class Seldom:
    """For what may go wrong many times a minute: `if self._seldom.is_due():` is true for the first, and then once a
    minute."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def is_due(self) -> bool:
        now = time.monotonic()
        due = now - self._last >= _SELDOM_SECONDS
        if due:
            self._last = now
        return due


def request_id() -> str | None:
    """The id of the request being served, if any."""
    return get_contextvars().get("request_id")
