"""What the pages stand on."""

from typing import Protocol

from connectors.gateway.swap.captures import Captures
from connectors.launch import Launcher
from connectors.legacy.recipe.store import Recipes
from connectors.login_requests.store import LoginRequests
from connectors.systems import Systems
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from sso.authentication.sessions import Sessions
from sso.authentication.sign_in import SignIn
from sso.authentication.totp import Totp
from sso.clients import Clients
from sso.directory.organisations import Organisations
from sso.directory.users import Users
from sso.oidc.authorize import Authorize
from sso.oidc.consent import Consents
from sso.oidc.grants import Grants
from sso.oidc.interaction import Interactions
from vault.items import Items
from vault.ledger import Ledger
from vault.ledger.export import AuditFile
from vault.ledger.queries import LedgerQueries
from vault.ledger.repeats import Repeats
from vault.ledger.timeline import Timelines
from vault.tickets import Tickets


class PageParts(Protocol):
    """The pages, and the JSON API that shows the same, take these of the house. The keys are not among them."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def repeats(self) -> Repeats: ...
    @property
    def audit(self) -> LedgerQueries: ...
    @property
    def timelines(self) -> Timelines: ...
    @property
    def audit_file(self) -> AuditFile: ...
    @property
    def tickets(self) -> Tickets: ...
    @property
    def items(self) -> Items: ...
    @property
    def organisations(self) -> Organisations: ...
    @property
    def users(self) -> Users: ...
    @property
    def totp(self) -> Totp: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def sign_in(self) -> SignIn: ...
    @property
    def clients(self) -> Clients: ...
    @property
    def interactions(self) -> Interactions: ...
    @property
    def consents(self) -> Consents: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def authorize(self) -> Authorize: ...
    @property
    def systems(self) -> Systems: ...
    @property
    def recipes(self) -> Recipes: ...
    @property
    def launcher(self) -> Launcher: ...
    @property
    def login_requests(self) -> LoginRequests: ...
    @property
    def captures(self) -> Captures: ...
