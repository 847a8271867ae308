"""What programs meet: metadata, keys, tokens, userinfo, introspection, revocation. JSON in every case."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from core.logs import logger
from sso.errors import OAuthError
from sso.oidc.bearer import bearer_token
from sso.oidc.metadata import provider_metadata
from sso.oidc.parameters import unique
from web.pages.form import FormError, read_pairs

if TYPE_CHECKING:
    from web.composition import House

_log = logger("protocol")
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_CREDENTIALS = frozenset({"client_secret", "client_assertion", "code", "refresh_token", "token", "code_verifier"})
# How long verifiers may keep the keys; a new key is published that long before it signs.
_JWKS_CACHING = {"cache-control": "public, max-age=300"}

_METADATA = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_JWKS = "/jwks"
_INTROSPECTION = "/introspect"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Handler = Callable[[Request], Awaitable[Response]]


class _Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def back_channel_routes(house: "House") -> list[Route]:
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
    def __init__(self, house: "House") -> None:
        self._house = house
        self._metadata = provider_metadata(house.settings.issuer)

    def route(self, path: str, handler: Handler, *allowed: str) -> Route:
        """Every method comes here, so that the refusal of a wrong one is JSON too."""
        return Route(path, partial(self._guard, handler, allowed), methods=_METHODS)

    async def metadata(self, _request: Request) -> Response:
        return _Json(self._metadata, headers={"cache-control": "public, max-age=300"})

    async def jwks(self, _request: Request) -> Response:
        await self._house.signing_keys.refresh()
        return _Json(self._house.signing_keys.jwks(), headers=_JWKS_CACHING)

    async def token(self, request: Request) -> Response:
        pairs = await _body(request)
        authorization = request.headers.get("authorization")
        answer = await self._house.token.answer(authorization, pairs, request.state.address)
        return _Json(answer, headers=_NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        authorization = request.headers.get("authorization")
        # The form is one of the places for the token: where the header has it, the body may be anything.
        form = unique(await read_pairs(request)) if request.method == "POST" and authorization is None else {}
        token = bearer_token(authorization, request.query_params, form)
        return _Json(await self._house.userinfo.answer(token), headers=_NO_STORE)

    async def introspect(self, request: Request) -> Response:
        pairs = await _body(request)
        authorization = request.headers.get("authorization")
        answer = await self._house.introspection.answer(authorization, pairs, request.state.address)
        return _Json(answer, headers=_NO_STORE)

    async def revoke(self, request: Request) -> Response:
        pairs = await _body(request)
        await self._house.revocation.answer(request.headers.get("authorization"), pairs, request.state.address)
        return Response(status_code=200, headers=_NO_STORE)

    async def _guard(self, handler: Handler, allowed: tuple[str, ...], request: Request) -> Response:
        """Errors as the standards word them; CORS for the web origins of registered clients, without credentials."""
        if request.method.replace("HEAD", "GET") not in allowed:
            body = {"error": "invalid_request", "error_description": f"the method is {' or '.join(allowed)}"}
            response: Response = _Json(body, 405, {**_NO_STORE, "allow": ", ".join(allowed)})
        elif request.method == "OPTIONS":
            response = Response(status_code=204)
        else:
            try:
                response = await handler(request)
            except YimenError as error:
                response = _refusal(request, error)
            except Exception:
                _log.exception("a request failed", path=request.url.path)
                response = _Json({"error": "server_error"}, 500, _NO_STORE)
        response.headers.update(await self._cors(request))
        return response

    async def _cors(self, request: Request) -> Mapping[str, str]:
        # What a browser has cached for a page of one origin, or for none, must not serve another's.
        headers = {"vary": "Origin"}
        origin = request.headers.get("origin")
        if origin is None:
            return headers
        async with self._house.database.read() as connection:
            registered = await self._house.clients.has_origin(connection, origin)
        if not registered:
            return headers
        headers |= {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": "WWW-Authenticate, Retry-After",
            "cross-origin-resource-policy": "cross-origin",
        }
        if request.method == "OPTIONS":
            headers |= {
                "access-control-allow-methods": "GET, POST",
                "access-control-allow-headers": "authorization, content-type",
                "access-control-max-age": "600",
            }
        return headers


async def _body(request: Request) -> list[tuple[str, str]]:
    """The form of a request, whose address must carry no credential (RFC 6749 §2.3.1)."""
    if request.scope["query_string"] and not _CREDENTIALS.isdisjoint(request.query_params):
        raise OAuthError("invalid_request", "credentials in the address are refused")
    return await read_pairs(request)


def _refusal(request: Request, error: YimenError) -> Response:
    """RFC 6749 §5.2 and RFC 6750 §3."""
    name, description = _named(error)
    _log.info("refused", code=error.code, detail=error.detail, path=request.url.path)
    body: dict[str, Any] = {"error": name}
    if description:
        body["error_description"] = description
    headers, status = dict(_NO_STORE), error.status
    if request.url.path == "/userinfo" and error.status in (400, 401, 403):
        headers["www-authenticate"] = _challenge("Bearer", request, name, description)
    elif error.status == 401 and ("authorization" in request.headers or request.url.path == _INTROSPECTION):
        headers["www-authenticate"] = 'Basic realm="Yimen", charset="UTF-8"'
    elif error.status == 401:
        # A challenge is for who used the header (RFC 6749 §5.2), a 401 is never without one (RFC 9110 §11.6.1), and
        # libraries that meet a challenge do not read the error. Introspection says 401 in any case (RFC 7662 §2.3).
        status = 400
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    return _Json(body, status, headers)


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
