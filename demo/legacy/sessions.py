"""Cookie sessions as the frameworks of the legacy systems have them: an id in a cookie, the rest in memory."""

import secrets
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.responses import Response

from demo.legacy.accounts import Account


@dataclass
class Session:
    """`notes` holds what belongs to the sign-in page: a token, a salt, the answer to a captcha."""

    id: str
    account: Account | None = None
    notes: dict[str, str] = field(default_factory=dict)


class Sessions:
    """The cookie's name differs from system to system: cookies do not know ports, and all stand on one host."""

    def __init__(self, cookie: str) -> None:
        self._cookie = cookie
        self._sessions: dict[str, Session] = {}

    def of(self, connection: HTTPConnection) -> Session | None:
        return self._sessions.get(connection.cookies.get(self._cookie, ""))

    def account_of(self, connection: HTTPConnection) -> Account | None:
        session = self.of(connection)
        return session.account if session else None

    def open(self, response: Response, account: Account | None = None) -> Session:
        session = Session(secrets.token_hex(16).upper(), account)
        self._sessions[session.id] = session
        self.attach(session, response)
        return session

    def attach(self, session: Session, response: Response) -> None:
        response.set_cookie(self._cookie, session.id, httponly=True, path="/", samesite=None)

    def close(self, connection: HTTPConnection, response: Response) -> None:
        self._sessions.pop(connection.cookies.get(self._cookie, ""), None)
        response.delete_cookie(self._cookie, path="/")
