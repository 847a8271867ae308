"""Methods that no system gets (RFC 9110 §9.3.6, §9.3.8)."""

from connectors.errors import ConnectorError

# TRACE and TRACK send back what was sent, fields that no page may read included; CONNECT makes a tunnel.
_REFUSED = frozenset({"TRACE", "TRACK", "CONNECT"})
_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")


def is_refused(method: str) -> bool:
    """Some servers read a method in any case, or with white space around it."""
    return method.strip().upper() in _REFUSED


def require_method(method: str) -> None:
    """Raises ERR-METHOD."""
    if is_refused(method) or not method or not _CHARACTERS.issuperset(method):
        raise ConnectorError("ERR-METHOD", f"the method {method[:20]!r}", status=405)
