"""Prometheus metrics. Labels are bounded: routes and results, never a person, a client or a URL."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

__all__ = ["CONTENT_TYPE", "EVENTS", "REQUESTS", "REQUEST_SECONDS", "render"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

REQUESTS = Counter("yimen_http_requests_total", "HTTP requests answered", ["surface", "status"])
REQUEST_SECONDS = Histogram("yimen_http_request_seconds", "Time to the first byte of an answer", ["surface"])
EVENTS = Counter("yimen_ledger_events_total", "Events recorded in the ledger", ["action", "result"])


def render() -> bytes:
    return generate_latest()
