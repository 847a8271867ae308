"""Signing in, step by step: password, one-time code, a first password to change, a second factor to set up.

The browser carries the pending token of the steps in a cookie of its own, never in an address. Every step is a plain
form that answers 303, so signing in needs no script.
"""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import YimenError
from sso.authentication.sign_in import Caller, Outcome, Pending, Step
from sso.authentication.totp import provisioning_uri
from web import csrf
from web.pages.form import Form, own_path
from web.pages.guests import guest_of
from web.pages.surface import Surface, go, session_cookie_name

_PENDING_SECONDS = 300
_PAGES = {Step.OTP: "/sign-in/otp", Step.CHANGE_PASSWORD: "/sign-in/password", Step.ENROL_TOTP: "/sign-in/totp"}


@dataclass(frozen=True)
class Errand:
    """Why somebody is signing in: for a client's request, for a page of ours, or just so."""

    interaction: str
    next: str

    @classmethod
    def of(cls, interaction: str, next_address: str) -> "Errand":
        plain = interaction if interaction.isalnum() or set(interaction) <= _INTERACTION_CHARACTERS else ""
        return cls(plain[:64], own_path(next_address, ""))

    @property
    def destination(self) -> str:
        if self.interaction:
            return f"/authorize/continue?{urlencode({'interaction': self.interaction})}"
        return self.next or "/"

    @property
    def query(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value}


_INTERACTION_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def sign_in_routes(surface: Surface) -> list[Route]:
    steps = _Steps(surface)
    return [
        Route("/sign-in", steps.show, methods=["GET"]),
        Route("/sign-in", steps.password, methods=["POST"]),
        Route("/sign-in/otp", steps.show_otp, methods=["GET"]),
        Route("/sign-in/otp", steps.otp, methods=["POST"]),
        Route("/sign-in/password", steps.show_change, methods=["GET"]),
        Route("/sign-in/password", steps.change, methods=["POST"]),
        Route("/sign-in/totp", steps.show_enrolment, methods=["GET"]),
        Route("/sign-in/totp", steps.enrol, methods=["POST"]),
    ]


class _Steps:
    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._sign_in = surface.house.sign_in

    async def show(self, request: Request) -> Response:
        errand = _asked(request)
        if not errand.interaction and await self._surface.session(request) is not None:
            return go(errand.destination)
        return await self._form_page(request, errand)

    async def password(self, request: Request) -> Response:
        sent = await self._surface.form(request)
        errand, username = _sent(sent), ""
        try:
            username = sent.required("username", most=128)
            outcome = await self._sign_in.password(username, sent.password("password"), await self._caller(request))
        except YimenError as problem:
            return await self._form_page(request, errand, problem=problem, username=username)
        return await self._advance(request, outcome, errand)

    async def show_otp(self, request: Request) -> Response:
        return await self._otp_page(request, _asked(request))

    async def otp(self, request: Request) -> Response:
        sent = await self._surface.form(request)
        errand = _sent(sent)
        try:
            code = sent.required("otp", most=32)
            outcome = await self._sign_in.otp(self._pending(request), code, await self._caller(request))
        except YimenError as problem:
            if problem.code == "ERR-PENDING":
                return await self._form_page(request, errand, problem=problem)
            return await self._otp_page(request, errand, problem)
        return await self._advance(request, outcome, errand)

    async def show_change(self, request: Request) -> Response:
        return await self._change_page(request, _asked(request))

    async def change(self, request: Request) -> Response:
        sent = await self._surface.form(request)
        errand = _sent(sent)
        try:
            password = repeated_password(sent)
            outcome = await self._sign_in.change_password(self._pending(request), password, await self._caller(request))
        except YimenError as problem:
            if problem.code == "ERR-PENDING":
                return await self._form_page(request, errand, problem=problem)
            return await self._change_page(request, errand, problem)
        return await self._advance(request, outcome, errand)

    async def show_enrolment(self, request: Request) -> Response:
        return await self._enrolment_page(request, _asked(request))

    async def enrol(self, request: Request) -> Response:
        sent = await self._surface.form(request)
        errand = _sent(sent)
        try:
            code = sent.required("otp", most=32)
            outcome, codes = await self._sign_in.enrol_totp(self._pending(request), code, await self._caller(request))
        except YimenError as problem:
            if problem.code == "ERR-PENDING":
                return await self._form_page(request, errand, problem=problem)
            return await self._enrolment_page(request, errand, problem)
        onward = await self._advance(request, outcome, errand)
        response = await self._surface.page(request, "recovery.html", codes=codes, next=onward.headers["location"])
        response.raw_headers.extend(pair for pair in onward.raw_headers if pair[0] == b"set-cookie")
        return response

    # Pages

    async def _form_page(
        self, request: Request, errand: Errand, *, problem: YimenError | None = None, username: str = ""
    ) -> Response:
        guest = await guest_of(self._surface, request, errand.interaction)
        return await self._surface.page(
            request,
            "sign_in.html",
            status=problem.status if problem else 200,
            leads_elsewhere=guest is not None,
            problem=problem,
            username=username or (guest.login_hint if guest else ""),
            client_name=guest.name if guest else "",
            **_fields(errand),
        )

    async def _otp_page(self, request: Request, errand: Errand, problem: YimenError | None = None) -> Response:
        return await self._step_page(
            request, errand, "otp.html", problem, start_again=f"/sign-in?{urlencode(errand.query)}"
        )

    async def _change_page(self, request: Request, errand: Errand, problem: YimenError | None = None) -> Response:
        return await self._step_page(
            request, errand, "password.html", problem, must=True, action="/sign-in/password", asks_code=False
        )

    async def _enrolment_page(self, request: Request, errand: Errand, problem: YimenError | None = None) -> Response:
        token = self._pending(request)
        if not token:
            return go("/sign-in", **errand.query)
        try:
            user, seed = await self._sign_in.enrolment_seed(token, await self._caller(request))
        except YimenError as expired:
            return await self._form_page(request, errand, problem=expired)
        return await self._step_page(
            request,
            errand,
            "totp.html",
            problem,
            must=True,
            action="/sign-in/totp",
            **enrolment(seed, user.username, self._surface.texts(request).text("brand.name")),
        )

    async def _step_page(
        self, request: Request, errand: Errand, template: str, problem: YimenError | None, **context: Any
    ) -> Response:
        """A step of a sign-in that has begun; without one, back to the start."""
        token = self._pending(request)
        if not token:
            return go("/sign-in", **errand.query)
        try:
            user = await self._sign_in.pending_user(token, await self._caller(request))
        except YimenError:
            return go("/sign-in", **errand.query)
        guest = await guest_of(self._surface, request, errand.interaction)
        return await self._surface.page(
            request,
            template,
            status=problem.status if problem else 200,
            leads_elsewhere=guest is not None,
            problem=problem,
            username=user.username,
            **_fields(errand),
            **context,
        )

    # What goes on

    async def _advance(self, request: Request, outcome: Outcome, errand: Errand) -> Response:
        if isinstance(outcome, Pending):
            response: Response = go(_PAGES[outcome.step], **errand.query)
            self._surface.set_cookie(response, self._pending_cookie, outcome.token, max_age=_PENDING_SECONDS)
        else:
            response = go(errand.destination)
            self._surface.set_cookie(response, session_cookie_name(self._surface.settings.secure), outcome.token)
            self._surface.forget_cookie(response, self._pending_cookie)
        csrf.remember_browser(request, response, self._surface.settings)
        return response

    async def _caller(self, request: Request) -> Caller:
        return replace(self._surface.caller(request), session=await self._surface.session(request))

    def _pending(self, request: Request) -> str:
        return request.cookies.get(self._pending_cookie, "")

    @property
    def _pending_cookie(self) -> str:
        return "__Host-yimen-pending" if self._surface.settings.secure else "yimen-pending"


def enrolment(seed: str, username: str, issuer: str) -> dict[str, Any]:
    """What the page of an enrolment shows: the QR code, and the seed in groups for typing."""
    code = segno.make(provisioning_uri(seed, username, issuer), error="m")
    groups = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    drawing = code.svg_inline(border=0, omitsize=True)
    return {"qr": Markup(drawing), "secret": groups}  # noqa: S704 - drawn here, from base32 and escaped names


def repeated_password(sent: Form) -> str:
    password = sent.password("password")
    if password != sent.password("repeated"):
        raise YimenError("ERR-PASSWORDS_DIFFER", "the new password and its repetition differ", status=422)
    return password


def _asked(request: Request) -> Errand:
    return Errand.of(request.query_params.get("interaction", ""), request.query_params.get("next", ""))


def _sent(sent: Form) -> Errand:
    return Errand.of(sent.text("interaction", most=64), sent.text("next", most=2000))


def _fields(errand: Errand) -> dict[str, str]:
    return {"interaction": errand.interaction, "next": errand.next}
