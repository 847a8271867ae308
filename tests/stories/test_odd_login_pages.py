"""Login pages that do it their own way, without a recipe, in a real browser."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.stories.conftest import DESKTOP, Town, free_port, launch, sign_in

PASSWORD = 'Odd-9&%x"Q'
SALT = "s4ltOfTheDay"

_SEND = """
const send = async (path, body) => {
  const headers = {"content-type": "application/json"};
  const answer = await fetch(path, {method: "POST", headers, body: JSON.stringify(body)});
  if ((await answer.json()).done) document.body.innerHTML = "<h1>欢迎</h1>";
};
const sendForm = (event) => {
  event.preventDefault();
  send("/api/login", Object.fromEntries(new FormData(event.target)));
};
"""
_FIELDS = '<input name="username" placeholder="用户名"><input type="password" name="password" placeholder="密码">'
_STARTER = 'const s = document.createElement("script"); s.src = "/strict.js"; document.head.append(s);'

PAGES = {
    # The fields stand in a shadow tree, which the page's HTML does not show.
    "shadow": f"""<div id="app"></div><script>{_SEND}
customElements.define("x-login", class extends HTMLElement {{
  connectedCallback() {{
    const tree = this.attachShadow({{mode: "open"}});
    tree.innerHTML = `<form>{_FIELDS}<button>登录</button></form>`;
    tree.querySelector("form").onsubmit = (event) => {{
      event.preventDefault();
      send("/api/login", Object.fromEntries(new FormData(event.target)));
    }};
  }}
}});
setTimeout(() => app.append(document.createElement("x-login")), 300);</script>""",
    # The button wakes up a while after something was typed.
    "slow": f"""<form id="f">{_FIELDS}<button disabled>登录</button></form><script>{_SEND}
let timer;
f.oninput = () => {{ clearTimeout(timer); timer = setTimeout(() => f.querySelector("button").disabled = false, 600); }};
f.onsubmit = (event) => {{
  event.preventDefault();
  send("/api/login", Object.fromEntries(new FormData(f)));
}};</script>""",
    # The page refuses passwords of other lengths than its rule's.
    "short": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
f.onsubmit = (event) => {{
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(f));
  if (fields.password.length >= 6 && fields.password.length <= 12) send("/api/login", fields);
}};</script>""",
    # The request goes to an address that says nothing of signing in, with the password deep inside.
    "graphql": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
f.onsubmit = (event) => {{
  event.preventDefault();
  const {{username, password}} = Object.fromEntries(new FormData(f));
  send("/graphql", {{query: "mutation …", variables: {{username, password}}}});
}};</script>""",
    # The salt stands in the page's script alone.
    "salted": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
const dailySalt = "{SALT}";
const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
f.onsubmit = async (event) => {{
  event.preventDefault();
  const {{username, password}} = Object.fromEntries(new FormData(f));
  const made = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(dailySalt + password)));
  send("/api/login", {{username, password: made}});
}};</script>""",
    # Only scripts that a hashed script brings along may run.
    "strict": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_STARTER}</script>""",
    # The user name is asked for first, and the password on the next page.
    "steps": """<form method="post" action="/steps"><label>用户名 <input name="user" autocomplete="username"></label>
<button>下一步</button></form>""",
    # The same, drawn by a script in one page.
    "turns": f"""<div id="app"></div><script>{_SEND}
const draw = (fields) => {{
  app.innerHTML = `<form>${{fields}}<button>下一步</button></form>`;
  return app.firstChild;
}};
setTimeout(() => {{
  draw('<input placeholder="请输入工号">').onsubmit = (event) => {{
    event.preventDefault();
    const username = event.target[0].value;
    draw('<input type="password" placeholder="请输入密码">').onsubmit = (later) => {{
      later.preventDefault();
      if (username === "wang") send("/api/login", {{username, password: later.target[0].value}});
    }};
  }};
}}, 200);</script>""",
    # A button that says neither what it is nor what it does.
    "sure": f"""<div id="f">{_FIELDS}<button type="button">确 定</button></div><script>{_SEND}
f.querySelector("button").onclick = () => {{
  const [username, password] = [...f.querySelectorAll("input")].map((one) => one.value);
  send("/api/login", {{username, password}});
}};</script>""",
    # What looks like a button is a list's item.
    "item": f"""<ul id="f"><li>{_FIELDS}</li><li id="go" style="cursor:pointer">登&nbsp;录</li></ul><script>{_SEND}
go.onclick = () => {{
  const [username, password] = [...f.querySelectorAll("input")].map((one) => one.value);
  send("/api/login", {{username, password}});
}};</script>""",
    # No button at all: Enter sends.
    "enter": f"""<input id="u" placeholder="用户名">
<input id="p" type="password" placeholder="密码，回车登录"><script>{_SEND}
p.onkeydown = (event) => {{ if (event.keyCode === 13) send("/api/login", {{u: u.value, p: p.value}}); }};</script>""",
    # The fields of the HTML are taken away, and others drawn in their place.
    "widget": f"""<form id="f"><div>用户名<input id="name"></div><div>密码<input id="pass"></div></form>
<a href="javascript:void(0)" onclick="go()">登录</a><script>{_SEND}
for (const [one, type] of [["name", "text"], ["pass", "password"]]) {{
  const old = document.getElementById(one);
  old.style.display = "none";
  old.insertAdjacentHTML("afterend", `<input type="${{type}}"><input type="hidden" name="${{one}}">`);
  old.nextSibling.onkeyup = (event) => {{ old.nextSibling.nextSibling.value = event.target.value; }};
}}
const go = () => send("/api/login", Object.fromEntries(new FormData(f)));</script>""",
    # The login is shown when the page is asked for it.
    "opener": f"""<a title="登录清溪县平台" onclick="box.hidden = false">登录</a><p>通知公告</p>
<div id="box" hidden><form id="f">{_FIELDS}<button>登录</button></form></div><script>{_SEND}
f.onsubmit = sendForm;</script>""",
    # What was typed too early is lost: the page's framework takes over late.
    "late": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
f.onsubmit = (event) => event.preventDefault();
setTimeout(() => {{
  f.innerHTML = `{_FIELDS}<button>登录</button>`;
  f.onsubmit = sendForm;
}}, 400);</script>""",
    # A field type that no browser knows is a text field.
    "typed": f"""<form id="f"><input type="username" name="username" placeholder="Username">
<input type="password" name="password" placeholder="Password"><button>Log in</button></form><script>{_SEND}
f.onsubmit = sendForm;</script>""",
    # The script asks for the salt before it hashes.
    "asks": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
const sha = async (text) => hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
f.onsubmit = async (event) => {{
  event.preventDefault();
  const {{username, password}} = Object.fromEntries(new FormData(f));
  const {{salt}} = await (await fetch("/api/salt")).json();
  send("/api/login", {{username, password: await sha(await sha(password) + salt)}});
}};</script>""",
    # The hash goes into two hidden fields, and the field itself is emptied (vBulletin).
    "twice": f"""<form id="f" method="post" action="/front">{_FIELDS}<input type="hidden" name="hash_a">
<input type="hidden" name="hash_b"><input type="submit" value="登录"></form><script>{_SEND}
const hex = (bytes) => [...new Uint8Array(bytes)].map((one) => one.toString(16).padStart(2, "0")).join("");
f.onsubmit = (event) => {{
  event.preventDefault();
  crypto.subtle.digest("SHA-256", new TextEncoder().encode(f.password.value)).then((made) => {{
    f.hash_a.value = f.hash_b.value = hex(made);
    f.password.value = "";
    f.submit();
  }});
}};</script>""",
    # One address for everything; what is asked for stands in the body, and the arguments have no names.
    "rpc": f"""<form id="f">{_FIELDS}<button>登录</button></form><script>{_SEND}
f.onsubmit = (event) => {{
  event.preventDefault();
  const {{username, password}} = Object.fromEntries(new FormData(f));
  send("/rpc", {{method: "auth.login", params: [username, password], id: 1}});
}};</script>""",
    # The word for the password stands as the value of a text field, which gives way to the real one.
    "hint": """<form method="post" action="/front"><input name="username" value="用户名" onfocus="this.value = ''">
<input id="t" value="密码" onfocus="t.style.display = 'none'; p.style.display = ''; p.focus()">
<input id="p" type="password" name="password" style="display:none"><input type="submit" value="登录"></form>""",
    # The login box is on the first page, where a good sign-in leads to as well.
    "front": f'<p>通知公告</p><form method="post" action="/front">{_FIELDS}<input type="submit" value="登录"></form>',
}
_STRICT = base64.b64encode(hashlib.sha256(_STARTER.encode()).digest()).decode()


def _document(name: str) -> Response:
    headers = {"content-security-policy": f"script-src 'sha256-{_STRICT}' 'strict-dynamic'"} if name == "strict" else {}
    head = f'<!doctype html><html><head><meta charset="utf-8"><title>{name}</title></head>'
    return HTMLResponse(f"{head}<body>{PAGES[name]}</body></html>", headers=headers)


async def _page(request: Request) -> Response:
    name = request.path_params["name"]
    if request.method == "POST":
        form = await request.form()
        if "user" in form:
            asks = '<input type="password" name="password" placeholder="密码"><button>登录</button>'
            return HTMLResponse(f'<form method="post" action="/front">{asks}</form>')
        response = RedirectResponse("/front", 302)
        hashed = hashlib.sha256(PASSWORD.encode()).hexdigest()
        if form["password"] == PASSWORD or [form.get("hash_a"), form.get("hash_b")] == [hashed, hashed]:
            response.set_cookie("sid", "in")
        return response
    if name not in PAGES:
        return Response(status_code=404)
    return HTMLResponse("<h1>欢迎</h1>") if request.cookies.get("sid") == "in" else _document(name)


async def _api(request: Request) -> Response:
    sent = json.loads(await request.body())
    if "params" in sent:
        return JSONResponse({"done": sent["params"] == ["wang", PASSWORD], "id": 1, "error": None})
    inner = sent.get("variables", sent)
    if any(one not in (None, "wang") for one in (inner.get("username"), inner.get("u"), inner.get("name"))):
        return JSONResponse({"error": "bad"})
    password = inner.get("password") or inner.get("p") or inner.get("pass")
    once = hashlib.sha256(PASSWORD.encode()).hexdigest()
    good = {PASSWORD, *(hashlib.sha256(one.encode()).hexdigest() for one in (SALT + PASSWORD, once + SALT))}
    return JSONResponse({"done": True, "id": 7, "status": "active"} if password in good else {"error": "bad"})


async def _salt(_request: Request) -> Response:
    return JSONResponse({"salt": SALT})


async def _strict(_request: Request) -> Response:
    handler = (
        'f.onsubmit = (event) => { event.preventDefault(); send("/api/login", Object.fromEntries(new FormData(f))); };'
    )
    return Response(_SEND + handler, media_type="text/javascript")


@pytest.fixture
async def odd_port() -> AsyncIterator[int]:
    port = free_port()
    routes = [
        Route("/strict.js", _strict),
        Route("/api/login", _api, methods=["POST"]),
        Route("/api/salt", _salt),
        Route("/graphql", _api, methods=["POST"]),
        Route("/rpc", _api, methods=["POST"]),
        Route("/{name}", _page, methods=["GET", "POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    yield port
    server.should_exit = True
    await serving


async def test_odd_login_pages_are_signed_in_to(town: Town, browser: Browser, odd_port: int) -> None:
    county = {
        "version": 1,
        "systems": [
            {
                "slug": name,
                "name": {"zh": name},
                "way_in": [{"kind": "gateway"}],
                "upstream": f"http://127.0.0.1:{odd_port}",
                "login_path": f"/{name}",
                "http_approved_by": "zhouan",
            }
            for name in PAGES
        ],
        "items": [
            {"system": name, "owner": {"user": "wangxw"}, "login": "wang", "password": PASSWORD} for name in PAGES
        ],
    }
    assert (await town.yimen.run("apply", "-", given=json.dumps(county).encode()))[0] == 0
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN")
    portal = await sign_in(context, town)
    for name in PAGES:
        page = await launch(portal, name)
        await expect(page.locator("h1"), name).to_have_text("欢迎")
    accounts = await context.new_page()
    await accounts.goto(f"{town.issuer}/accounts")
    assert await accounts.locator(".sign-bad").count() == 0, "a good sign-in was taken for a refusal"
