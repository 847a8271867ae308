"""The gateway's own pages: what went wrong, in the reader's language, with a code. They need nothing but themselves."""

from html import escape

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, Response

from connectors.gateway.parts import Texts
from connectors.gateway.wire.headers import FILLED_COOKIE, REFUSED_COOKIE

# Why the sign-in of a page may be stopped: our script in that page says so.
_STOPPED = (
    *("ERR-FILL", "ERR-LOGIN_CHANGED", "ERR-LOGIN_UNSIGNED", "ERR-NEEDS_RECIPE", "ERR-TRANSFORM", "ERR-ITEM"),
    *("ERR-ITEM_FROZEN", "ERR-ITEM_TAMPERED", "ERR-ITEM_DESTINATION", "ERR-ROW_TAMPERED", "ERR-ACCESS"),
    *("ERR-SYSTEM_CLOSED", "ERR-SESSION", "ERR-UPSTREAM", "ERR-UPSTREAM_ANSWER", "ERR-UPSTREAM_CUT"),
)
# What the person can mend where their accounts are.
_AT_ACCOUNTS = frozenset({"ERR-ITEM", "ERR-ITEM_FROZEN", "ERR-LOGIN_CHANGED", "ERR-ITEM_DESTINATION"})
_STYLE = (
    "body{font:16px/1.7 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f2f4f3;color:#17282b}main{max-width:28rem;margin:1rem;padding:2rem;background:#fff;"
    "border-radius:1rem;border:1px solid #dde5e5}h1{font-size:1.25rem;margin:0 0 .5rem}"
    "code{color:#5d6f72;font-size:.8125rem}"
    "a{display:inline-block;margin:1rem 1rem 0 0;padding:.6rem 1.2rem;border-radius:.6rem;background:#0d6470;"
    "color:#fff;text-decoration:none}@media(prefers-color-scheme:dark){body{background:#0d1618;color:#e5eeee}"
    "main{background:#152125;border-color:#27373c}code{color:#9fb3b6}}"
)


def notice(connection: HTTPConnection, code: str, status: int, issuer: str, texts: Texts) -> Response:
    """An error of the gateway: a page for people, JSON for scripts."""
    identifier = str(connection.scope.get("state", {}).get("request_id", ""))
    locale = _locale(connection)
    said = _said(texts, locale, code)
    headers = {"cache-control": "no-store", "x-yimen-error": code}
    if "text/html" not in connection.headers.get("accept", "text/html"):
        answer = JSONResponse({"code": code, "message": said, "request_id": identifier}, status, headers)
        if FILLED_COOKIE in connection.cookies:
            # The page's own script makes what it will of the answer; ours says what happened.
            answer.set_cookie(REFUSED_COOKIE, code, max_age=30, secure=issuer.startswith("https:"))
        return answer
    link = f"{issuer}/accounts" if code in _AT_ACCOUNTS else issuer
    label = _of(texts, locale, "accounts" if code in _AT_ACCOUNTS else "portal")
    content = (
        f'<!doctype html><html lang="{locale}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(_of(texts, locale, "title"))}</title>'
        f"<style>{_STYLE}</style><main><h1>{escape(said)}</h1>"
        f"<code>{escape(code)} · {escape(_of(texts, locale, 'request'))} {escape(identifier)}</code><br>"
        f'<a href="{escape(link)}" target="_top">{escape(label)}</a></main></html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'"
    return HTMLResponse(content, status, {**headers, "content-security-policy": policy})


def refusals(texts: Texts, locale: str) -> dict[str, str]:
    """What our script in a page says when the sign-in of that page was stopped."""
    return {code: _said(texts, locale, code) for code in _STOPPED}


def _said(texts: Texts, locale: str, code: str) -> str:
    """The gateway's own words for a code, else those of the portal."""
    keys = (f"gateway.errors.{code}", f"errors.{code}", "gateway.errors.unknown")
    return next(text for key in keys if (text := texts(locale, key)) is not None)


def _of(texts: Texts, locale: str, name: str) -> str:
    return texts(locale, f"gateway.notice.{name}") or ""


def _locale(connection: HTTPConnection) -> str:
    first = connection.headers.get("accept-language", "zh").split(",")[0].strip().lower()
    return "en" if first.startswith("en") else "zh-CN"
