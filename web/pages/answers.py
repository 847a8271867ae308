"""Pages that need no house: errors, and the protocol's own pages. Every answer in HTML is made by `page`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from core.errors import YimenError
from web.i18n import catalogue
from web.pages.form import own_path
from web.security_headers import content_security_policy
from web.templating import Preferences, render

_KINDS = {403: "forbidden", 404: "missing", 410: "missing"}


@dataclass(frozen=True)
class Flash:
    """A word about what has just been done, said once above the page."""

    kind: str
    key: str
    parameters: Mapping[str, object] = field(default_factory=dict)


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    leads_elsewhere: bool = False,
    **context: Any,
) -> HTMLResponse:
    defaults = {
        "csrf": "",
        "flash": None,
        "here": _here(request),
        "problem": None,
        "request_id": request_id_of(request),
        "viewer": None,
    }
    content = render(template, Preferences.of(request), {**defaults, **context})
    headers = {"content-security-policy": content_security_policy(leads_elsewhere=leads_elsewhere)}
    response = HTMLResponse(content, status, headers)
    if (problem := context.get("problem")) is not None:
        say_when(response, problem)
    return response


def say_when(response: Response, error: YimenError) -> None:
    """When it may help to try again."""
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)


def error_page(request: Request, code: str, status: int, parameters: Mapping[str, str | int] | None = None) -> Response:
    """An error as its reader wants it: a page, a notice inside a page (htmx), or JSON."""
    text = catalogue(Preferences.of(request).locale).error(code, parameters or {})
    if wants_json(request):
        body = {"code": code, "message": text, "request_id": request_id_of(request)}
        return JSONResponse(body, status)
    if is_fragment(request):
        return page(request, "problem.html", status=status, problem=YimenError(code, parameters=parameters))
    kind = "wrong" if code == "ERR-CSRF" else _KINDS.get(status, "broken" if status >= 500 else "wrong")
    return page(request, "error.html", status=status, kind=kind, text=text, code=code)


def form_post_page(request: Request, action: str, fields: Mapping[str, str]) -> Response:
    """OAuth 2.0 Form Post Response Mode: sends `fields` to the client at once, or by a button without script."""
    return page(request, "form_post.html", leads_elsewhere=True, action=action, fields=fields)


def logout_page(
    request: Request,
    action: str,
    fields: Mapping[str, str],
    *,
    client_name: str = "",
    leads_elsewhere: bool = False,
) -> Response:
    """Asks before an RP-initiated logout (OIDC RP-Initiated Logout §2)."""
    return page(
        request,
        "sign_out.html",
        leads_elsewhere=leads_elsewhere,
        action=action,
        fields=fields,
        client_name=client_name,
    )


def signed_out_page(request: Request) -> Response:
    return page(request, "signed_out.html")


def wants_json(request: Request) -> bool:
    if request.url.path.startswith("/api/"):
        return True
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def is_fragment(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def request_id_of(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def _here(request: Request) -> str:
    """Where to come back to after a change of language or colours: this page, when it can be asked for again."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return own_path(request.url.path + (f"?{query}" if query else ""))
