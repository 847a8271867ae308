"""The one reader of request bodies that may hold a sign-in.

Enters: a content type and the bytes that a page sent. Leaves: a `ParsedBody` - the values of the body by their names -
which can be written anew with other values; or `AmbiguousBodyError`, where two servers could read the bytes in two
ways. Promised: nothing of the page's bytes is copied into what is written; what was not read is not sent.
"""

from connectors.gateway.swap.body.parsed import AmbiguousBodyError, ParsedBody, Place, parse_body
from connectors.gateway.swap.body.place import stand_once

__all__ = ["AmbiguousBodyError", "ParsedBody", "Place", "parse_body", "stand_once"]
