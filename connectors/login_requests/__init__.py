"""The login request of a system: the one request in which it takes a password (DESIGN §4a.24).

Enters: the form in the bytes that a legacy server sends to a visitor who is not signed in; a recipe; or the first
sign-in of a person, which is supervised. Leaves: a `LoginRequest`, kept in a signed row. Promised: the gateway
exchanges a dummy in a request that fits one of these and nowhere else; none is ever made from a page met later.
"""

from connectors.login_requests.request import LoginRequest, RequestLine, Source

__all__ = ["LoginRequest", "RequestLine", "Source"]
