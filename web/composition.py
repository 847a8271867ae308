"""The house: every part built once, floor by floor, and handed to those who need it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from connectors.gateway.parts import GatewayParts
from connectors.gateway.swap.captures import Captures
from connectors.launch import Launcher
from connectors.legacy.recipe.store import Recipes
from connectors.login_requests.store import LoginRequests
from connectors.recipe_watch import RecipeWatch
from connectors.systems import Systems
from connectors.upgrade import begin_generations
from core.clock import Clock, SystemClock
from core.database import Database
from core.errors import ConfigurationError
from core.notices import Notices
from core.outbound import Outbound
from core.settings import Settings
from sso.authentication.lockout import Lockout
from sso.authentication.passwords import PasswordHashing, Passwords
from sso.authentication.sessions import Sessions
from sso.authentication.sign_in import SignIn
from sso.authentication.totp import Totp
from sso.client_secrets import ClientSecrets
from sso.clients import Clients
from sso.directory.organisations import Organisations
from sso.directory.users import Users
from sso.oidc.authorize import Authorize
from sso.oidc.client_authentication import ClientAuthentication
from sso.oidc.consent import Consents
from sso.oidc.grants import Grants
from sso.oidc.interaction import Interactions
from sso.oidc.introspection import Introspection
from sso.oidc.keys import SigningKeys
from sso.oidc.logout import Logout
from sso.oidc.revocation import Revocation
from sso.oidc.token import TokenEndpoint
from sso.oidc.tokens import Tokens
from sso.oidc.userinfo import UserInfo
from vault.acceptance import Acceptance
from vault.adoption import Adoption
from vault.heads import Heads
from vault.items import Items
from vault.keys.custody import KeyringCustodian, open_custodian
from vault.keys.sealing import Sealer
from vault.keys.signing import signing_key
from vault.ledger import Ledger
from vault.ledger.counts import Counts
from vault.ledger.export import AuditFile
from vault.ledger.queries import LedgerQueries
from vault.ledger.repeats import Repeats
from vault.ledger.timeline import Timelines
from vault.ledger.watch import LedgerWatch
from vault.recovery import Recovery
from vault.rotation import Rotation
from vault.row_watch import RowWatch
from vault.rows import SignedRows
from vault.tickets import Tickets
from web.i18n import catalogue
from web.migrate import migrate, require_migrated


@dataclass(frozen=True)
class House:
    """Every part. Who composes a process or runs a command has the whole; a surface says by a protocol of its own which
    parts it takes: `BackChannelParts`, `PageParts`, `HealthParts`, `TroubleParts`."""

    settings: Settings
    clock: Clock
    database: Database
    outbound: Outbound
    notices: Notices
    custodian: KeyringCustodian
    # vault
    sealer: Sealer
    ledger: Ledger
    repeats: Repeats
    ledger_watch: LedgerWatch
    rows: SignedRows
    row_watch: RowWatch
    audit: LedgerQueries
    timelines: Timelines
    event_counts: Counts
    audit_file: AuditFile
    tickets: Tickets
    items: Items
    rotation: Rotation
    acceptance: Acceptance
    recovery: Recovery
    # sso
    organisations: Organisations
    users: Users
    passwords: Passwords
    lockout: Lockout
    totp: Totp
    sessions: Sessions
    sign_in: SignIn
    clients: Clients
    signing_keys: SigningKeys
    interactions: Interactions
    consents: Consents
    grants: Grants
    client_authentication: ClientAuthentication
    authorize: Authorize
    token: TokenEndpoint
    userinfo: UserInfo
    introspection: Introspection
    revocation: Revocation
    logout: Logout
    # connectors
    systems: Systems
    recipes: Recipes
    recipe_watch: RecipeWatch
    launcher: Launcher
    login_requests: LoginRequests
    captures: Captures
    gateway_parts: GatewayParts


@asynccontextmanager
async def open_house(settings: Settings, *, create: bool = True, clock: Clock | None = None) -> AsyncIterator[House]:
    """Opens everything, in order; closes it in reverse. Without `create`, the database must be there and in shape.

    Raises VaultError or ConfigurationError when something is missing: Yimen does not run half open.
    """
    if create:
        make_data_dir(settings)
    async with AsyncExitStack() as stack:
        custodian = open_custodian(
            settings.custodian, key_file=settings.effective_key_file, credential_dir=settings.credential_dir
        )
        database = Database(settings.effective_database_url)
        stack.push_async_callback(database.close)
        await (migrate(database) if create else require_migrated(database))
        yield await _build(settings, clock or SystemClock(), database, custodian, stack)


def make_data_dir(settings: Settings) -> None:
    """Raises ERR-SETTINGS."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError("ERR-SETTINGS", f"YIMEN_DATA_DIR: {error.strerror}: {settings.data_dir}") from error


async def _build(
    settings: Settings, clock: Clock, database: Database, custodian: KeyringCustodian, stack: AsyncExitStack
) -> House:
    outbound = Outbound(settings.outbound_allow)
    stack.push_async_callback(outbound.close)
    notices = Notices(database, clock)
    stack.push_async_callback(notices.settled)

    sealer = Sealer(database, custodian, settings.suite, clock)
    await sealer.prepare()
    stack.callback(sealer.wipe)
    ledger = Ledger(database, clock, sealer)
    await ledger.start()
    stack.push_async_callback(ledger.stop)
    repeats = Repeats(clock, ledger)
    ledger_watch = LedgerWatch(database, ledger)
    rows = SignedRows(sealer, ledger)
    row_watch = RowWatch(database, ledger, rows)
    tickets = Tickets(clock, rows)
    heads = Heads(ledger, await signing_key(database, sealer, "heads"))
    items = Items(database, clock, sealer, ledger, heads, tickets)

    recipes = Recipes(clock, ledger, await signing_key(database, sealer, "recipes"))
    systems, login_requests = Systems(clock, rows, recipes), LoginRequests(clock, rows)
    recipe_watch = RecipeWatch(database, ledger, systems, recipes)
    await _sign_once(database, Adoption(database, ledger, ledger_watch, rows, items), systems, login_requests)
    sealer.row_keys.follow(database)
    stack.push_async_callback(sealer.row_keys.unfollow)

    users = Users(clock, settings.local_time, ledger, sealer, rows)
    hashing = PasswordHashing()
    stack.callback(hashing.close)
    passwords = Passwords(clock, settings, hashing, rows)
    lockout = Lockout(database, clock, settings, sealer, rows, ledger)
    totp = Totp(clock, sealer, ledger, rows)
    sessions = Sessions(clock, settings, ledger, rows)
    clients = Clients(clock, settings, rows, ClientSecrets(hashing), database.changes)
    signing_keys = SigningKeys(database, clock, sealer, ledger, rows)
    await signing_keys.start()
    interactions, consents = Interactions(clock, rows), Consents(clock, ledger, rows)
    grants = Grants(clock, settings.local_time, rows)
    tokens = Tokens(clock, settings.issuer, signing_keys, sealer)
    authentication = ClientAuthentication(database, clock, settings.issuer, clients, lockout, outbound, ledger)
    revocation = Revocation(database, authentication, grants, tokens, signing_keys, ledger)

    launcher = Launcher(database, clock, settings, systems, items, ledger, rows)
    token = TokenEndpoint(database, clock, authentication, grants, tokens, signing_keys, ledger)
    captures = Captures(database, clock, sealer, items, ledger)
    upstream = Outbound(settings.upstream_allow)
    stack.push_async_callback(upstream.close)
    return House(
        settings=settings,
        clock=clock,
        database=database,
        outbound=outbound,
        notices=notices,
        custodian=custodian,
        sealer=sealer,
        ledger=ledger,
        repeats=repeats,
        ledger_watch=ledger_watch,
        rows=rows,
        row_watch=row_watch,
        audit=LedgerQueries(database),
        timelines=Timelines(database),
        event_counts=Counts(database),
        audit_file=AuditFile(database, ledger),
        tickets=tickets,
        items=items,
        rotation=Rotation(database, clock, sealer, items, ledger, rows),
        acceptance=Acceptance(database, ledger, rows),
        recovery=Recovery(database, sealer, heads, ledger_watch, row_watch, (recipe_watch.findings,)),
        organisations=Organisations(clock, rows),
        users=users,
        passwords=passwords,
        lockout=lockout,
        totp=totp,
        sessions=sessions,
        sign_in=SignIn(database, clock, users, passwords, lockout, totp, sessions, ledger, rows),
        clients=clients,
        signing_keys=signing_keys,
        interactions=interactions,
        consents=consents,
        grants=grants,
        client_authentication=authentication,
        authorize=Authorize(database, clock, settings.issuer, clients, interactions, consents, grants, tokens, ledger),
        token=token,
        userinfo=UserInfo(database, clients, grants, tokens, signing_keys),
        introspection=Introspection(
            database, settings.issuer, authentication, grants, tokens, signing_keys, revocation
        ),
        revocation=revocation,
        logout=Logout(database, clients, sessions, tokens, signing_keys),
        systems=systems,
        recipes=recipes,
        recipe_watch=recipe_watch,
        launcher=launcher,
        login_requests=login_requests,
        captures=captures,
        gateway_parts=GatewayParts(
            settings=settings,
            database=database,
            clock=clock,
            upstream=upstream,
            sealer=sealer,
            ledger=ledger,
            repeats=repeats,
            rows=rows,
            items=items,
            sessions=sessions,
            clients=clients,
            token=token,
            systems=systems,
            recipes=recipes,
            launcher=launcher,
            login_requests=login_requests,
            captures=captures,
            texts=_text,
        ),
    )


def _text(locale: str, key: str) -> str | None:
    texts = catalogue(locale)
    return texts.text(key) if key in texts else None


async def _sign_once(database: Database, adoption: Adoption, systems: Systems, login_requests: LoginRequests) -> None:
    """The first start with signed rows signs what is there."""
    if not await adoption.is_done():
        async with database.read() as connection:
            destinations = await systems.destinations(connection)
        begin_logins = partial(begin_generations, systems=systems, login_requests=login_requests)
        await adoption.run(destinations, begin_logins)
