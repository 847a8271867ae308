"""One handler for every error of this surface: a page, a notice inside a page, or JSON."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from core.errors import YimenError
from core.logs import logger
from web.pages.answers import error_page, is_fragment, request_id_of, say_when, wants_json
from web.pages.surface import SignInNeededError, go

Handler = Callable[[Request], Awaitable[ASGIApp]]

_log = logger("pages")
_CODES = {401: "ERR-SESSION", 403: "ERR-FORBIDDEN", 404: "ERR-NOT_FOUND", 405: "ERR-METHOD", 413: "ERR-TOO_LARGE"}


def exception_handlers() -> Mapping[Any, Any]:
    """For the application that mounts these pages: `Starlette(exception_handlers=…)`."""
    return {
        YimenError: _refused,
        HTTPException: _http,
        RequestValidationError: _invalid,
        ClientDisconnect: _gone,
        Exception: _broken,
    }


def failing_as_page(handler: Handler) -> Handler:
    """The same handler for where no application stands around it, which would answer what it raises."""

    async def answer(request: Request) -> ASGIApp:
        try:
            return await handler(request)
        except YimenError as error:
            return await _refused(request, error)
        except ClientDisconnect as error:
            return await _gone(request, error)
        except Exception as error:
            _log.exception("a request failed", path=request.url.path)
            return await _broken(request, error)

    return answer


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, YimenError)
    if isinstance(error, SignInNeededError) and not wants_json(request):
        if is_fragment(request):
            return Response(status_code=401, headers={"hx-redirect": error.address})
        return go(error.address)
    _log.info("refused", code=error.code, detail=error.detail, status=error.status)
    response = error_page(request, error.code, error.status, error.parameters)
    say_when(response, error)
    return response


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (301, 302, 303, 307, 308) and error.headers:
        return RedirectResponse(error.headers["location"], error.status_code)
    code = _CODES.get(error.status_code, "ERR-INTERNAL" if error.status_code >= 500 else "ERR-FORM")
    response = error_page(request, code, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _invalid(request: Request, _error: Exception) -> Response:
    return error_page(request, "ERR-FORM", 422)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Half a form, and nobody there any more: the answer is for the log alone."""
    return Response(status_code=400)


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("a page broke", error=type(error).__name__, request_id=request_id_of(request))
    return error_page(request, "ERR-INTERNAL", 500)
