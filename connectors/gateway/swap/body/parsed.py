"""What a body is: decided by its content type alone, and refused where its bytes tell another story."""

from connectors.gateway.swap.body.charsets import known_charset
from connectors.gateway.swap.body.json_text import parse_json
from connectors.gateway.swap.body.multipart import MEDIA_TYPE as MULTIPART
from connectors.gateway.swap.body.multipart import parse_multipart
from connectors.gateway.swap.body.place import AmbiguousBodyError, ParsedBody, Place
from connectors.gateway.swap.body.urlencoded import MEDIA_TYPE as URLENCODED
from connectors.gateway.swap.body.urlencoded import parse_urlencoded

__all__ = ["AmbiguousBodyError", "ParsedBody", "Place", "media_type_of", "parse_body"]

# What a script's `fetch` says of a text that it does not name (Fetch Standard §5.2): nearly always JSON.
_TEXT = "text/plain"


def media_type_of(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def parse_body(content_type: str, body: bytes, charset: str) -> ParsedBody:
    """`charset` is that of the page that sends it. Raises AmbiguousBodyError where two readings differ."""
    media_type, parameters = media_type_of(content_type), _parameters(content_type)
    named = known_charset(parameters.get("charset", charset))
    if media_type == URLENCODED:
        if body.lstrip()[:1] in (b"{", b"["):
            raise AmbiguousBodyError("JSON that calls itself a form")
        return parse_urlencoded(body, named, content_type)
    if media_type == MULTIPART:
        return parse_multipart(body, parameters.get("boundary", ""), known_charset(charset))
    if media_type == "application/json" or media_type.endswith("+json") or media_type == _TEXT:
        if named != "utf-8" and "charset" in parameters:
            raise AmbiguousBodyError("JSON in another charset than UTF-8")
        return parse_json(body, content_type)
    raise AmbiguousBodyError("a type of content that no sign-in has")


def _parameters(content_type: str) -> dict[str, str]:
    """RFC 9110 §5.6.6; a parameter that stands twice, or is broken, is refused."""
    found: dict[str, str] = {}
    for part in content_type.split(";")[1:]:
        name, equals, value = part.strip().partition("=")
        if not name and not equals:
            continue
        name, value = name.strip().lower(), value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"' and "\\" not in value:
            value = value[1:-1]
        if not equals or name in found or '"' in value or "," in name:
            raise AmbiguousBodyError("a content type that is read in two ways")
        found[name] = value
    return found
