"""What the provider's endpoints stand on."""

from typing import Protocol

from core.database import Database
from core.settings import Settings
from sso.clients import Clients
from sso.oidc.introspection import Introspection
from sso.oidc.keys import SigningKeys
from sso.oidc.revocation import Revocation
from sso.oidc.token import TokenEndpoint
from sso.oidc.userinfo import UserInfo


class BackChannelParts(Protocol):
    """What programs meet takes these of the house."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def clients(self) -> Clients: ...
    @property
    def signing_keys(self) -> SigningKeys: ...
    @property
    def token(self) -> TokenEndpoint: ...
    @property
    def userinfo(self) -> UserInfo: ...
    @property
    def introspection(self) -> Introspection: ...
    @property
    def revocation(self) -> Revocation: ...
