"""What a page has sent, as far as a swap cares: a body of a request, or a message of a socket."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.gateway.session.fills import Fill
from connectors.gateway.swap.body import ParsedBody, parse_body
from connectors.gateway.swap.body.message import CONTENT_TYPE, namespace_of, parse_message
from connectors.login_requests import RequestLine
from connectors.login_requests.channel import Channel, Framing

# A namespace of Socket.IO, and what stands around it.
_HEAD = 200


@dataclass(frozen=True)
class SentBody:
    """`filled` names the fill that our script has put into a page of this host last, with nothing typed over it since;
    `typed` is the length of the password that a person typed."""

    line: RequestLine
    content_type: str
    body: bytes = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)
    filled: str = ""
    typed: int | None = None

    def parsed(self, charset: str) -> ParsedBody:
        """Raises AmbiguousBodyError."""
        return parse_body(self.content_type, self.body, charset)

    def may_teach(self, _fill: Fill) -> bool:
        """A request carries its own cookies, so whatever it is, it is of the supervised sign-in."""
        return True


@dataclass(frozen=True)
class SentMessage(SentBody):
    """`fresh_from` is when its socket was opened in a supervised sign-in, with no cookie of other days; None where it
    was not."""

    framing: Framing = "unclear"
    fresh_from: datetime | None = None

    @classmethod
    def over(
        cls, channel: Channel, message: bytes, cookies: Mapping[str, str], fresh_from: datetime | None
    ) -> "SentMessage":
        line = channel.line(namespace_of(channel.framing, message[:_HEAD].decode("utf-8", "replace")))
        return cls(line, CONTENT_TYPE, message, cookies, framing=channel.framing, fresh_from=fresh_from)

    def parsed(self, _charset: str) -> ParsedBody:
        return parse_message(self.framing, self.body)

    def may_teach(self, fill: Fill) -> bool:
        """The page of the fill opened the socket itself: one that was there before may speak for somebody already."""
        return self.fresh_from is not None and fill.created_at <= self.fresh_from
