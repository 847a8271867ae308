"""Somebody who writes to the database puts back a login request that is over: no password goes there."""

import json

from starlette.responses import JSONResponse, Response

from connectors.login_requests import LoginRequest
from connectors.login_requests.store import login_request_table
from connectors.systems import System
from tests.connectors.gateway.browser import Browser, Shown
from tests.connectors.gateway.conftest import LOGIN, SECRET, Launch
from tests.connectors.gateway.upstream import LegacyServer
from tests.web.database_writer import Writer, named, told
from vault.items import Item
from web.composition import House


async def test_a_sign_in_does_not_go_where_it_went_before_it_was_learned_anew(
    cadre: Browser, item: Item, legacy: LegacyServer, house: House, launch: Launch, oa: System
) -> None:
    writer = Writer(house)

    async def learn(path: str) -> None:
        request = LoginRequest(
            origin=str(oa.origin),
            method="POST",
            path=path,
            kind="json",
            username="/username",
            passwords={"/password": None},
        )
        async with house.database.write() as connection:
            await house.login_requests.learn(connection, oa.login, cadre.session.user.id, [request])

    async def sign_in_at(path: str) -> Shown:
        page = await launch(cadre)
        body = json.dumps({"username": LOGIN, "password": page.dummy}).encode()
        return await cadre.fetch(path, "POST", body, content_type="application/json")

    def took_the_password() -> list[str]:
        secret = json.dumps(SECRET, ensure_ascii=False).encode()
        return [one.target for one in legacy.received if secret in one.body or json.dumps(SECRET).encode() in one.body]

    legacy.answers["GET /login"] = Response("<div id=app></div><script src=/app.js></script>", media_type="text/html")
    for path in ("/before", "/now"):
        legacy.answers[f"POST {path}"] = JSONResponse({"success": True, "token": "t"})
    await learn("/before")
    before = await writer.row(login_request_table)
    await learn("/now")
    await writer.put_back(login_request_table, [before], id=before["id"])

    assert (await sign_in_at("/before")).error == "ERR-LOGIN_CHANGED"
    assert took_the_password() == []
    assert (await sign_in_at("/now")).status == 200
    assert took_the_password() == ["/now"]
    subject = f"row:{login_request_table.name}:{before['id']}"
    assert subject in await told(house)
    assert await named(house) == {subject}
