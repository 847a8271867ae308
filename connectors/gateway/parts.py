"""What the gateway stands on."""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.gateway.swap.captures import Captures
from connectors.launch import Launcher
from connectors.legacy.recipe.store import Recipes
from connectors.login_requests.store import LoginRequests
from connectors.systems import Systems
from core.clock import Clock
from core.database import Database
from core.outbound import Outbound
from core.settings import Settings
from sso.authentication.sessions import Sessions
from sso.clients import Clients
from sso.oidc.token import TokenEndpoint
from vault.items import Items
from vault.keys.sealing import Sealer
from vault.ledger import Ledger
from vault.ledger.repeats import Repeats
from vault.rows import SignedRows

# The text of a key in a locale, or None where there is no such text.
Texts = Callable[[str, str], str | None]


@dataclass(frozen=True)
class GatewayParts:
    """`upstream` is the guarded way to the legacy servers; its allow-list is `upstream_allow` of the settings. `texts`
    gives what people read: `texts("en", "gateway.page.offer")`."""

    settings: Settings
    database: Database
    clock: Clock
    upstream: Outbound
    sealer: Sealer
    ledger: Ledger
    repeats: Repeats
    rows: SignedRows
    items: Items
    sessions: Sessions
    clients: Clients
    token: TokenEndpoint
    systems: Systems
    recipes: Recipes
    launcher: Launcher
    login_requests: LoginRequests
    captures: Captures
    texts: Texts
