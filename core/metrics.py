"""Prometheus metrics. Labels are bounded: routes and results, never a person, a client or a URL."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

__all__ = [
    "CLOCK_AHEAD",
    "CONTENT_TYPE",
    "DATABASE_SECONDS",
    "DISK_FREE",
    "EVENTS",
    "JOB_FAILURES",
    "JOB_SUCCEEDED",
    "REQUESTS",
    "REQUEST_SECONDS",
    "TROUBLES",
    "UNPLACED_EVENTS",
    "UNPLACED_SECONDS",
    "render",
]

CONTENT_TYPE = CONTENT_TYPE_LATEST

REQUESTS = Counter("yimen_http_requests_total", "HTTP requests answered", ["surface", "status"])
REQUEST_SECONDS = Histogram("yimen_http_request_seconds", "Time to the first byte of an answer", ["surface"])
EVENTS = Counter("yimen_ledger_events_total", "Events recorded in the ledger", ["action", "result"])

# What stands in the database or on the disk, so every process tells the same.
UNPLACED_EVENTS = Gauge("yimen_ledger_unplaced_events", "Events that wait for their place, counted up to 10000")
UNPLACED_SECONDS = Gauge("yimen_ledger_unplaced_seconds", "Age of the oldest of them")
JOB_FAILURES = Gauge("yimen_job_failures", "Failed turns of a periodic job since its last success", ["job"])
JOB_SUCCEEDED = Gauge("yimen_job_succeeded_timestamp_seconds", "When a periodic job last succeeded", ["job"])
DISK_FREE = Gauge(
    "yimen_disk_free_bytes", "Free space where the data folder and the SQLite file are, the least of both"
)
DATABASE_SECONDS = Gauge("yimen_database_seconds", "How long the database takes to answer, the best of three")
CLOCK_AHEAD = Gauge("yimen_clock_ahead_seconds", "How far this machine's clock is ahead of the database's")
TROUBLES = Gauge("yimen_trouble", "1 for each code that /readyz tells, as a problem or a warning; else 0", ["code"])


def render() -> bytes:
    return generate_latest()
