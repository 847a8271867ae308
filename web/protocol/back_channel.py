"""What programs meet: metadata, keys, tokens, userinfo, introspection, revocation. JSON in every case."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from core.errors import YimenError
from core.logs import logger
from sso.errors import OAuthError
from sso.oidc.bearer import bearer_token
from sso.oidc.metadata import provider_metadata
from sso.oidc.parameters import unique
from web.fields import Field, first_field
from web.pages.form import FormError, read_pairs
from web.protocol.answers import NO_STORE, Answer, json_answer
from web.protocol.parts import BackChannelParts

_log = logger("protocol")
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "code", "refresh_token", "token", "code_verifier"})
# How long verifiers may keep the keys; a new key is published that long before it signs. The metadata names them.
_CACHED = ((b"cache-control", b"public, max-age=300"),)
# What a browser has cached for a page of one origin, or for none, must not serve another's.
_VARYING = ((b"vary", b"Origin"),)

_METADATA = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_JWKS = "/jwks"
_INTROSPECTION = "/introspect"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Handler = Callable[[Request], Awaitable[Answer]]


def back_channel_routes(house: BackChannelParts) -> list[Route]:
    back = _BackChannel(house)
    return [
        *(back.route(path, back.metadata, "GET", "OPTIONS") for path in _METADATA),
        back.route(_JWKS, back.jwks, "GET", "OPTIONS"),
        back.route("/token", back.token, "POST", "OPTIONS"),
        back.route("/userinfo", back.userinfo, "GET", "POST", "OPTIONS"),
        back.route(_INTROSPECTION, back.introspect, "POST"),
        back.route("/revoke", back.revoke, "POST", "OPTIONS"),
    ]


class _BackChannel:
    def __init__(self, house: BackChannelParts) -> None:
        self._house = house
        self._metadata = provider_metadata(house.settings.issuer)

    def route(self, path: str, handler: Handler, *allowed: str) -> Route:
        """Every method comes here, so that the refusal of a wrong one is JSON too."""
        return Route(path, partial(self._guard, handler, allowed), methods=_METHODS)

    async def metadata(self, _request: Request) -> Answer:
        return json_answer(self._metadata, _CACHED)

    async def jwks(self, _request: Request) -> Answer:
        await self._house.signing_keys.refresh()
        return json_answer(self._house.signing_keys.jwks(), _CACHED)

    async def token(self, request: Request) -> Answer:
        pairs = await _body(request)
        answer = await self._house.token.answer(_authorization(request), pairs, request.scope["state"]["address"])
        return json_answer(answer)

    async def userinfo(self, request: Request) -> Answer:
        authorization = _authorization(request)
        # The form is one of the places for the token: where the header has it, the body may be anything.
        form = unique(await read_pairs(request)) if request.method == "POST" and authorization is None else {}
        query = request.query_params if request.scope["query_string"] else {}
        return json_answer(await self._house.userinfo.answer(bearer_token(authorization, query, form)))

    async def introspect(self, request: Request) -> Answer:
        pairs = await _body(request)
        address = request.scope["state"]["address"]
        return json_answer(await self._house.introspection.answer(_authorization(request), pairs, address))

    async def revoke(self, request: Request) -> Answer:
        pairs = await _body(request)
        await self._house.revocation.answer(_authorization(request), pairs, request.scope["state"]["address"])
        return Answer(200, NO_STORE)

    async def _guard(self, handler: Handler, allowed: tuple[str, ...], request: Request) -> Answer:
        """Errors as the standards word them; CORS for the web origins of registered clients, without credentials."""
        if request.method.replace("HEAD", "GET") not in allowed:
            body = {"error": "invalid_request", "error_description": f"the method is {' or '.join(allowed)}"}
            answer = json_answer(body, (*NO_STORE, (b"allow", ", ".join(allowed).encode())), 405)
        elif request.method == "OPTIONS":
            answer = Answer(204, ())
        else:
            try:
                answer = await handler(request)
            except YimenError as error:
                answer = _refusal(request, error)
            except Exception:
                _log.exception("a request failed", path=request.url.path)
                answer = json_answer({"error": "server_error"}, status=500)
        origin = first_field(request.scope, b"origin")
        answer.fields += _VARYING if origin is None else await self._cors(request, origin)
        return answer

    async def _cors(self, request: Request, origin: str) -> Sequence[Field]:
        async with self._house.database.read() as connection:
            registered = await self._house.clients.has_origin(connection, origin)
        if not registered:
            return _VARYING
        fields = [
            *_VARYING,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"WWW-Authenticate, Retry-After"),
            (b"cross-origin-resource-policy", b"cross-origin"),
        ]
        if request.method == "OPTIONS":
            fields += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", b"authorization, content-type"),
                (b"access-control-max-age", b"600"),
            ]
        return fields


def _authorization(request: Request) -> str | None:
    return first_field(request.scope, b"authorization")


async def _body(request: Request) -> list[tuple[str, str]]:
    """The form of a request, whose address must carry no credential (RFC 6749 §2.3.1)."""
    if request.scope["query_string"] and not _CREDENTIALS.isdisjoint(request.query_params):
        raise OAuthError("invalid_request", "credentials in the address are refused")
    return await read_pairs(request)


def _refusal(request: Request, error: YimenError) -> Answer:
    """RFC 6749 §5.2 and RFC 6750 §3."""
    name, description = _named(error)
    _log.info("refused", code=error.code, detail=error.detail, path=request.url.path)
    body: dict[str, Any] = {"error": name}
    if description:
        body["error_description"] = description
    fields, status = [*NO_STORE], error.status
    if request.url.path == "/userinfo" and error.status in (400, 401, 403):
        fields.append((b"www-authenticate", _challenge("Bearer", request, name, description).encode()))
    elif error.status == 401 and ("authorization" in request.headers or request.url.path == _INTROSPECTION):
        fields.append((b"www-authenticate", b'Basic realm="Yimen", charset="UTF-8"'))
    elif error.status == 401:
        # A challenge is for who used the header (RFC 6749 §5.2), a 401 is never without one (RFC 9110 §11.6.1), and
        # libraries that meet a challenge do not read the error. Introspection says 401 in any case (RFC 7662 §2.3).
        status = 400
    if error.retry_after is not None:
        fields.append((b"retry-after", str(error.retry_after).encode()))
    return json_answer(body, fields, status)


def _named(error: YimenError) -> tuple[str, str]:
    if isinstance(error, OAuthError):
        return error.error, error.error_description
    if isinstance(error, FormError):
        return "invalid_request", "the body is not a valid urlencoded form"
    if error.status == 429:
        return "invalid_client", "too many failed attempts"
    if error.status == 503:
        return "temporarily_unavailable", "" if error.code == "ERR-DATABASE" else "too many attempts are under way"
    return "invalid_request" if error.status < 500 else "server_error", error.code


def _challenge(scheme: str, request: Request, name: str, description: str) -> str:
    if name == "invalid_token" and "authorization" not in request.headers:
        return f'{scheme} realm="Yimen"'  # RFC 6750 §3.1: nothing was sent, so nothing is told
    return f'{scheme} realm="Yimen", error="{name}", error_description="{description}"'
