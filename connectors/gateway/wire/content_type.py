"""What an answer is, by its Content-Type, or without one by how it begins."""

from connectors.gateway.wire.upstream import UpstreamAnswer

_HTML_BEGINNINGS = (b"<!doctype html", b"<html", b"<head", b"<script", b"<body", b"<title", b"<!--", b"<div", b"<table")


def charset_of(content_type: str) -> str | None:
    """Of a Content-Type; None where it names none."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None


def is_html(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml")


def may_be_html(content_type: str, answer: UpstreamAnswer) -> bool:
    """A page without a type is read as what it begins like, unless the server forbids it (MIME Sniffing §7.1)."""
    sniffed = not content_type and answer.headers.get("x-content-type-options", "").lower() != "nosniff"
    return sniffed or is_html(content_type)


def begins_html(body: bytes) -> bool:
    return body[:1024].lstrip(b"\xef\xbb\xbf\t\n\x0c\r ").lower().startswith(_HTML_BEGINNINGS)
