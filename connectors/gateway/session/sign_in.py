"""The gateway host as a relying party: its own session comes from an OpenID Connect sign-in at the provider.

The code is redeemed in this process: no token ever exists, and nothing of the provider's session leaves its host.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from connectors.errors import ConnectorError
from connectors.gateway.parts import GatewayParts
from connectors.gateway.session.sessions import GatewaySessions
from connectors.gateway.wire.headers import SESSION_COOKIE, SIGN_IN_COOKIE
from connectors.gateway_client import gateway_client_id, gateway_redirect_uri
from connectors.launch import refusal_of
from connectors.systems import System
from core.identifiers import new_token
from sso.errors import SsoError
from sso.oidc.token import CodeProof

_SIGN_IN_SECONDS = 600
# Browsers drop a cookie of more than 4096 bytes; encoded, a path may be three times as long.
_LONGEST_WAY_BACK = 1200


class GatewaySignIn:
    def __init__(self, parts: GatewayParts, sessions: GatewaySessions) -> None:
        self._parts = parts
        self._sessions = sessions

    def begin(self, system: System, host: str, path: str) -> Response:
        """To the provider; `path` of the gateway host is where to come back to. State and PKCE verifier wait in this
        browser's cookie."""
        if len(path) > _LONGEST_WAY_BACK:
            path = system.registration.login_path
        state, verifier = new_token(), new_token()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": gateway_client_id(system.slug),
            "redirect_uri": self._redirect_uri(host),
            "response_type": "code",
            "scope": "openid",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        response = RedirectResponse(f"{self._parts.settings.issuer}/authorize?{urlencode(query)}", 303)
        self._set_cookie(response, SIGN_IN_COOKIE, f"{state}.{verifier}.{quote(path, safe='')}", _SIGN_IN_SECONDS)
        return response

    async def finish(self, request: Request, system: System, host: str) -> Response:
        """The provider's answer. Raises ERR-STATE when it is not the one this browser waits for, or ERR-ACCESS."""
        state, verifier, path = self._waiting(request)
        answer = request.query_params
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise ConnectorError("ERR-STATE", "the state is not this browser's")
        if answer.get("iss") != self._parts.settings.issuer:
            raise ConnectorError("ERR-STATE", "the answer is not the provider's")  # RFC 9207 §2.4
        if "code" not in answer:
            code = "ERR-ACCESS" if answer.get("error") == "access_denied" else "ERR-STATE"
            raise ConnectorError(code, f"the provider answered {answer.get('error', '')[:40]!r}", status=403)
        proof = CodeProof(answer["code"], self._redirect_uri(host), verifier)
        token = await self._start(request, system, host, proof)
        response = RedirectResponse(path, 303)
        self._set_cookie(response, SESSION_COOKIE, token, None)
        response.delete_cookie(self.cookie_name(SIGN_IN_COOKIE), path="/")
        return response

    async def sign_out(self, request: Request) -> Response:
        token = request.cookies.get(self.cookie_name(SESSION_COOKIE))
        if token:
            async with self._parts.database.write() as connection:
                await self._sessions.end(connection, token)
        response = RedirectResponse(self._parts.settings.issuer, 303)
        response.delete_cookie(self.cookie_name(SESSION_COOKIE), path="/")
        return response

    def cookie_name(self, name: str) -> str:
        return f"__Host-{name}" if self._parts.settings.secure else name

    async def _start(self, request: Request, system: System, host: str, proof: CodeProof) -> str:
        parts = self._parts
        async with parts.database.read() as connection:
            client = await parts.clients.find(connection, gateway_client_id(system.slug))
        if client is None:
            raise ConnectorError("ERR-SYSTEM", f"the gateway client of {system.slug} is missing", status=404)
        try:
            held = await parts.token.redeem_code(client, proof, request.state.address)
        except SsoError as error:
            raise ConnectorError("ERR-STATE", error.detail) from None
        async with parts.database.write() as connection:
            session = await parts.sessions.find_by_id(connection, held.grant.session_id)
            if session is None:
                raise ConnectorError("ERR-SESSION", "the sign-in has ended", status=401)
            refusal = refusal_of(session.user, system)
            if refusal is not None:
                raise refusal
            return await self._sessions.start(connection, session, system.id, host)

    def _waiting(self, request: Request) -> tuple[str, str, str]:
        kept = request.cookies.get(self.cookie_name(SIGN_IN_COOKIE), "").split(".", 2)
        if len(kept) != 3:
            raise ConnectorError("ERR-STATE", "no sign-in waits in this browser")
        state, verifier, path = kept[0], kept[1], unquote(kept[2])
        return state, verifier, path if _is_own_path(path) else "/"

    def _redirect_uri(self, host: str) -> str:
        return gateway_redirect_uri(self._parts.settings, host)

    def _set_cookie(self, response: Response, name: str, value: str, max_age: int | None) -> None:
        response.set_cookie(
            self.cookie_name(name),
            value,
            max_age=max_age,
            path="/",
            secure=self._parts.settings.secure,
            httponly=True,
            samesite="lax",
        )


def _is_own_path(path: str) -> bool:
    return path.startswith("/") and not path.startswith(("//", "/\\")) and all(" " < one != "\\" for one in path)
