"""Everything about one request on its way through the gateway."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import Request

from connectors.gateway.session.fills import Fill
from connectors.gateway.session.sessions import GatewaySession
from connectors.gateway.swap.basic import Authorization
from connectors.gateway.swap.captures import Held
from connectors.gateway.swap.swap import Swapped
from connectors.gateway.wire.headers import FILLED_COOKIE, TYPED_COOKIE, sent_cookie_names
from connectors.gateway.wire.rewrite import OriginMap
from connectors.gateway.wire.upload import Upload
from connectors.legacy.recipe.recipe import Recipe
from connectors.login_requests import RequestLine
from connectors.login_requests.channel import Channel
from connectors.login_requests.request import SOCKET
from connectors.systems import Endpoint, System


@dataclass
class Visit:
    """`swapped` is there where the password was put in, `held` where a person typed theirs, `authorization` where the
    gateway gives the Basic header field."""

    request: Request
    who: GatewaySession
    system: System
    endpoint: Endpoint
    recipe: Recipe | None
    origins: OriginMap
    target: str
    upload: Upload
    fills: Sequence[Fill] = ()
    swapped: Swapped | None = field(default=None, repr=False)
    held: Held | None = None
    authorization: Authorization | None = field(default=None, repr=False)

    @property
    def line(self) -> RequestLine:
        return RequestLine.parse(str(self.endpoint.origin), self.request.method, self.target)

    @property
    def polling(self) -> Channel | None:
        """The Engine.IO session that this request is a part of, if it is one of a script's."""
        channel = Channel.parse(str(self.endpoint.origin), self.target)
        return channel if channel.is_polling and not self.is_navigation else None

    @property
    def is_message(self) -> bool:
        """The password went into a message, to which another request, or a socket, brings the answer."""
        return self.swapped is not None and self.swapped.request.method == SOCKET

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def headers(self) -> Headers:
        return self.request.headers

    @property
    def filled(self) -> str:
        """The fill that stands in the browser's page, as our script there says."""
        return self.request.cookies.get(FILLED_COOKIE, "")

    @property
    def typed(self) -> int | None:
        """How long the password is that a person has typed into that page."""
        said = self.request.cookies.get(TYPED_COOKIE, "")
        return int(said) if said.isdecimal() and len(said) < 5 else None

    @property
    def is_document(self) -> bool:
        """A page, not a part of one."""
        wanted = self.headers.get("sec-fetch-dest", "document")
        return wanted in ("document", "iframe", "frame") and "x-requested-with" not in self.headers

    @property
    def is_shown(self) -> bool:
        """What the browser opens is the page that the person looks at, not a frame of it."""
        return self.headers.get("sec-fetch-dest", "document") == "document"

    @property
    def is_played(self) -> bool:
        """An audio or video element of a page asks: no script reads what it gets, or can say so in its name."""
        return self.headers.get("sec-fetch-dest") in ("audio", "video")

    @property
    def locale(self) -> str:
        """Of the two that there are: what the browser asks for first."""
        first = self.headers.get("accept-language", "zh").split(",")[0].strip().lower()
        return "en" if first.startswith("en") else "zh-CN"

    @property
    def cookie_names(self) -> frozenset[str]:
        """Of the system's own cookies that the browser has sent, as the system calls them."""
        return sent_cookie_names(self.headers.items(), self.origins)

    @property
    def address(self) -> str:
        """What was asked for, as the legacy server knows it."""
        return f"{self.endpoint.origin}{self.target}"

    @property
    def is_navigation(self) -> bool:
        """The browser opens a page, or a frame of one."""
        mode = self.headers.get("sec-fetch-mode")
        return mode == "navigate" or (mode is None and "text/html" in self.headers.get("accept", ""))

    def wipe(self) -> None:
        if self.swapped is not None:
            self.swapped.wipe()
