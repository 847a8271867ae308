"""My own password and second factor, and signing out. Each change asks for a new proof of who is there."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from sso.authentication.sessions import Session
from web.pages.answers import logout_page, signed_out_page
from web.pages.form import Form
from web.pages.sign_in import enrolment, repeated_password
from web.pages.surface import Surface, go, session_cookie_name


def credential_routes(surface: Surface) -> list[Route]:
    credentials = _Credentials(surface)
    return [
        Route("/password", credentials.show_password, methods=["GET"]),
        Route("/password", credentials.change_password, methods=["POST"]),
        Route("/totp", credentials.show_totp, methods=["GET"]),
        Route("/totp", credentials.enrol_totp, methods=["POST"]),
        Route("/sign-out", credentials.ask_sign_out, methods=["GET"]),
        Route("/sign-out", credentials.sign_out, methods=["POST"]),
        Route("/signed-out", _signed_out, methods=["GET"]),
    ]


class _Credentials:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._house = surface.house

    async def show_password(self, request: Request) -> Response:
        return await self._password_page(request, await self._surface.member(request))

    async def _password_page(self, request: Request, session: Session, problem: YimenError | None = None) -> Response:
        return await self._surface.page(
            request,
            "password.html",
            status=problem.status if problem else 200,
            problem=problem,
            must=False,
            action="/password",
            username=session.user.username,
            asks_code=await self._surface.has_totp(session),
            interaction="",
            next="",
        )

    async def change_password(self, request: Request) -> Response:
        session = await self._surface.member(request)
        sent = await self._surface.form(request)
        token: str | None = None
        try:
            password = repeated_password(sent)
            token = await prove_again(self._surface, request, session, sent, "current")
            await self._house.sign_in.replace_password(session, password)
            response: Response = go("/sessions", done="password")
        except YimenError as problem:
            response = await self._password_page(request, session, problem)
        return carry_token(self._surface, response, token)

    async def show_totp(self, request: Request) -> Response:
        return await self._totp_page(request, await self._surface.member(request))

    async def _totp_page(self, request: Request, session: Session, problem: YimenError | None = None) -> Response:
        user = session.user
        shown: dict[str, Any] = {"qr": None, "secret": ""}
        if not await self._surface.has_totp(session):
            async with self._house.database.write() as connection:
                seed = await self._house.totp.begin(connection, user.id)
            shown = enrolment(seed, user.username, self._surface.texts(request).text("brand.name"))
        return await self._surface.page(
            request,
            "totp.html",
            status=problem.status if problem else 200,
            problem=problem,
            must=False,
            action="/totp",
            username=user.username,
            interaction="",
            next="",
            **shown,
        )

    async def enrol_totp(self, request: Request) -> Response:
        session = await self._surface.member(request)
        sent = await self._surface.form(request)
        token: str | None = None
        try:
            code = sent.required("otp", most=32)
            token = await prove_again(self._surface, request, session, sent, "password")
            async with self._house.database.write() as connection:
                codes = await self._house.totp.confirm(connection, session.user.id, code)
            response = await self._surface.page(request, "recovery.html", codes=codes, next="/")
        except YimenError as problem:
            response = await self._totp_page(request, session, problem)
        return carry_token(self._surface, response, token)

    async def ask_sign_out(self, request: Request) -> Response:
        session = await self._surface.session(request)
        if session is None:
            return go("/signed-out")
        return logout_page(request, "/sign-out", {"csrf": session.csrf})

    async def sign_out(self, request: Request) -> Response:
        session = await self._surface.session(request)
        if session is not None:
            await self._surface.form(request)
            async with self._house.database.write() as connection:
                await self._house.sessions.revoke(
                    connection, session.id, actor=f"user:{session.user.id}", reason="sign_out"
                )
        response = go("/signed-out")
        self._surface.forget_cookie(response, session_cookie_name(self._surface.settings.secure))
        return response


async def _signed_out(request: Request) -> Response:
    return signed_out_page(request)


async def prove_again(surface: Surface, request: Request, session: Session, sent: Form, field: str) -> str:
    """Step-up: the person types their password, and their code if they have one. Gives the session's new token."""
    code = sent.text("code", most=32) or None
    return await surface.house.sign_in.prove_again(session, sent.password(field), code, surface.caller(request))


def carry_token(surface: Surface, response: Response, token: str | None) -> Response:
    """Whatever came of it: after a new proof only the session's new token is good."""
    if token is not None:
        surface.set_cookie(response, session_cookie_name(surface.settings.secure), token)
    return response
