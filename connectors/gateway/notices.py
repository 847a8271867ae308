"""The gateway's own pages: what went wrong, in the reader's language, with a code. They need nothing but themselves."""

from collections.abc import Mapping
from html import escape

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, Response

from connectors.gateway.wire.headers import FILLED_COOKIE, REFUSED_COOKIE

Texts = tuple[str, str]

_TEXTS: Mapping[str, Texts] = {
    "ERR-SYSTEM": ("没有这个系统，或已下线", "There is no such system, or it has been closed"),
    "ERR-SYSTEM_CLOSED": ("该系统当前未开放", "This system is not open at the moment"),
    "ERR-ACCESS": ("您的岗位没有使用该系统的权限", "Your post does not give you access to this system"),
    "ERR-NO_WAY_IN": ("该系统暂不能由一门登录", "Yimen cannot open this system yet"),
    "ERR-SESSION": ("登录已过期，请从一门重新打开该系统", "Your sign-in has expired. Open the system again from Yimen"),
    "ERR-STATE": (
        "登录没有完成，请从一门重新打开该系统",
        "The sign-in was not finished. Open the system again from Yimen",
    ),
    "ERR-PATH": ("这个地址不在该系统开放的范围内", "This address is outside of what the system opens"),
    "ERR-FOREIGN": ("来自其他网站的请求已被拦截", "A request from another site was stopped"),
    "ERR-FILL": (
        "登录请求与页面不符，为保护密码没有发送。请从一门重新打开该系统",
        "The sign-in request does not fit its page, so no password was sent. Open the system again from Yimen",
    ),
    "ERR-NEEDS_RECIPE": (
        "该系统的登录页会自行加密密码，一门还没有它的适配规则，密码没有发送。请告诉系统管理员",
        "This system's login page encrypts passwords, and Yimen has no recipe for it yet, so no password was sent. "
        "Tell the system administrator",
    ),
    "ERR-ITEM": (
        "还没有该系统的账号，请先在一门添加",
        "You have no account here yet. Add one in Yimen first",
    ),
    "ERR-ITEM_FROZEN": (
        "该账号的密码上次被拒绝，为防止锁定不再自动尝试。请先在一门更换密码",
        "This account's password was refused. It is not tried again until you replace it in Yimen",
    ),
    "ERR-ITEM_TAMPERED": (
        "该账号的保管记录被改动过，已拒绝使用。请联系安全管理员",
        "The kept record of this account was changed by somebody. Tell the security administrator",
    ),
    "ERR-TRANSFORM": (
        "该系统的登录页与配方不符，没有发送密码。请联系安全管理员",
        "The login page does not fit its recipe, so no password was sent. Tell the security administrator",
    ),
    "ERR-DATABASE": (
        "系统暂时用不了数据库，请稍后再试",
        "The database does not work at the moment. Try again in a while",
    ),
    "ERR-UPSTREAM": ("该系统没有应答，请稍后再试", "The system does not answer. Try again later"),
    "ERR-UPSTREAM_TLS": (
        "该系统的证书无效，为安全起见没有连接",
        "The system's certificate is not valid, so no connection was made",
    ),
    "ERR-UPSTREAM_ANSWER": (
        "该系统的应答无法识别，请联系该系统的管理单位",
        "The system has answered, but its answer cannot be understood. Tell those who run it",
    ),
    "ERR-UPSTREAM_CUT": (
        "该系统的应答中断了，请稍后再试",
        "The system's answer broke off. Try again later",
    ),
    "ERR-UPSTREAM_BUSY": (
        "该系统正在处理的请求太多，请稍后再试",
        "Too many requests wait for this system. Try again later",
    ),
    "ERR-METHOD": ("不支持这种请求方式", "Requests of this kind are not passed on"),
    "ERR-STALLED": ("提交中断，没有全部收到，请重试", "What was sent did not arrive whole. Try again"),
    "ERR-BODY": ("提交的内容与声明的长度不符", "What was sent is not as long as was announced"),
    "ERR-TOO_LARGE": ("提交的内容太大", "What was sent is too large"),
}
_UNKNOWN: Texts = ("这一步没有成功，请稍后再试", "That did not work. Try again later")
_WORDS: Mapping[str, Texts] = {
    "title": ("一门 · 打不开", "Yimen · cannot open"),
    "accounts": ("我的账号", "My accounts"),
    "portal": ("回到一门", "Back to Yimen"),
    "request": ("编号", "Request"),
}
_STOPPED = (
    *("ERR-FILL", "ERR-NEEDS_RECIPE", "ERR-TRANSFORM", "ERR-ITEM", "ERR-ITEM_FROZEN", "ERR-ITEM_TAMPERED"),
    *("ERR-ACCESS", "ERR-SYSTEM_CLOSED", "ERR-SESSION", "ERR-UPSTREAM", "ERR-UPSTREAM_ANSWER", "ERR-UPSTREAM_CUT"),
)
_ITEM_CODES = frozenset({"ERR-ITEM", "ERR-ITEM_FROZEN"})
_STYLE = (
    "body{font:16px/1.7 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f2f4f3;color:#17282b}main{max-width:28rem;margin:1rem;padding:2rem;background:#fff;"
    "border-radius:1rem;border:1px solid #dde5e5}h1{font-size:1.25rem;margin:0 0 .5rem}"
    "code{color:#5d6f72;font-size:.8125rem}"
    "a{display:inline-block;margin:1rem 1rem 0 0;padding:.6rem 1.2rem;border-radius:.6rem;background:#0d6470;"
    "color:#fff;text-decoration:none}@media(prefers-color-scheme:dark){body{background:#0d1618;color:#e5eeee}"
    "main{background:#152125;border-color:#27373c}code{color:#9fb3b6}}"
)


def notice(connection: HTTPConnection, code: str, status: int, issuer: str) -> Response:
    """An error of the gateway: a page for people, JSON for scripts."""
    identifier = str(connection.scope.get("state", {}).get("request_id", ""))
    english = _speaks_english(connection)
    text = _TEXTS.get(code, _UNKNOWN)[english]
    headers = {"cache-control": "no-store", "x-yimen-error": code}
    if "text/html" not in connection.headers.get("accept", "text/html"):
        answer = JSONResponse({"code": code, "message": text, "request_id": identifier}, status, headers)
        if FILLED_COOKIE in connection.cookies:
            # The page's own script makes what it will of the answer; ours says what happened.
            answer.set_cookie(REFUSED_COOKIE, code, max_age=30, secure=issuer.startswith("https:"))
        return answer
    link = f"{issuer}/accounts" if code in _ITEM_CODES else issuer
    label = _WORDS["accounts" if code in _ITEM_CODES else "portal"][english]
    content = (
        f'<!doctype html><html lang="{"en" if english else "zh-CN"}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{_WORDS["title"][english]}</title>'
        f"<style>{_STYLE}</style><main><h1>{escape(text)}</h1>"
        f"<code>{escape(code)} · {_WORDS['request'][english]} {escape(identifier)}</code><br>"
        f'<a href="{escape(link)}" target="_top">{label}</a></main></html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'"
    return HTMLResponse(content, status, {**headers, "content-security-policy": policy})


def refusals(*, english: bool) -> dict[str, str]:
    """What our script in a page says when the sign-in of that page was stopped."""
    return {code: _TEXTS[code][english] for code in _STOPPED}


def _speaks_english(connection: HTTPConnection) -> bool:
    first = connection.headers.get("accept-language", "zh").split(",")[0].strip().lower()
    return first.startswith("en")
