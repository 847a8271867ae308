"""What may be registered as a client."""

from typing import Any

import pytest
from joserfc.jwk import ECKey

from core.clock import FrozenClock
from core.database import Database
from core.settings import Settings
from sso.authentication.passwords import PasswordHashing
from sso.client_secrets import ClientSecrets
from sso.clients import ClientRegistration, Clients
from sso.errors import SsoError
from vault.ledger import Ledger
from vault.rows import SignedRows

SECRET = "county-hall-secret-0123456789-abcdefgh"
REDIRECT_URI = "https://affairs.example/callback"
PUBLIC_KEY = ECKey.generate_key("P-256").as_dict(private=False)
SIGNED: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture
def clients(clock: FrozenClock, settings: Settings, ledger: Ledger, rows: SignedRows) -> Clients:
    return Clients(clock, settings, rows, ClientSecrets(PasswordHashing()))


async def told(database: Database, clients: Clients, client_secret: str | None = SECRET, **metadata: Any) -> str | None:
    """Why a registration is refused; None when it is accepted."""
    registration = await clients.readied(
        ClientRegistration(
            "affairs", client_secret=client_secret, metadata={"redirect_uris": [REDIRECT_URI], **metadata}
        )
    )
    try:
        async with database.write() as connection:
            await clients.upsert(connection, registration, actor="operator:test")
    except SsoError as error:
        return error.detail
    return None


@pytest.mark.parametrize(("secret", "accepted"), [("", False), ("x" * 15, False), ("x" * 16, True), (None, False)])
async def test_a_client_secret_has_sixteen_characters(
    database: Database, clients: Clients, secret: str | None, accepted: bool
) -> None:
    assert (await told(database, clients, secret) is None) is accepted


@pytest.mark.parametrize(
    ("jwks", "why"),
    [
        ({"keys": [PUBLIC_KEY]}, None),
        ({"keys": "x"}, "jwks: a JWK Set has a list of keys"),
        ({"keys": ["x"]}, "jwks: a JWK Set has a list of keys"),
        ({"keys": []}, "jwks: a JWK Set has a list of keys"),
        ({}, "jwks: a JWK Set has a list of keys"),
        ({"keys": [PUBLIC_KEY | {"d": "AA"}]}, "jwks: jwks must hold public keys only"),
        ({"keys": [{"kty": "oct", "k": "AA"}]}, "jwks: jwks must hold public keys only"),
    ],
)
async def test_a_jwks_is_a_list_of_public_keys(
    database: Database, clients: Clients, jwks: dict[str, Any], why: str | None
) -> None:
    assert await told(database, clients, None, jwks=jwks, **SIGNED) == why


@pytest.mark.parametrize(("age", "accepted"), [(0, True), (999_999_999, True), (10**18, False), (-1, False)])
async def test_a_default_max_age_is_one_that_a_request_could_have(
    database: Database, clients: Clients, age: int, accepted: bool
) -> None:
    assert (await told(database, clients, default_max_age=age) is None) is accepted


@pytest.mark.parametrize(
    ("redirect_uris", "sector", "accepted"),
    [
        (["https://a.example/cb", "https://a.example:8443/other"], None, True),
        (["https://a.example/cb", "https://b.example/cb"], None, False),
        (["https://a.example/cb", "https://b.example/cb"], "https://sector.example/uris.json", True),
        (["https://a.example/cb"], "sector.example", False),
    ],
)
async def test_pairwise_subjects_are_for_one_sector(
    database: Database, clients: Clients, redirect_uris: list[str], sector: str | None, accepted: bool
) -> None:
    """OIDC Core §8.1"""
    metadata: dict[str, Any] = {
        "redirect_uris": redirect_uris,
        "subject_type": "pairwise",
        "sector_identifier_uri": sector,
    }
    assert (await told(database, clients, **metadata) is None) is accepted


MOVED = {"issuer": "https://sso.linxi.example", "gateway_domain": "gw.linxi.example"}


async def addresses(database: Database, clients: Clients) -> dict[str, tuple[str, ...]]:
    async with database.read() as connection:
        client = await clients.find(connection, "affairs")
    assert client is not None
    return {"redirect_uris": client.metadata.redirect_uris, "bye": client.metadata.post_logout_redirect_uris}


async def test_an_address_at_a_gateway_host_is_always_where_the_gateway_is_now(
    database: Database, clients: Clients, settings: Settings, clock: FrozenClock, rows: SignedRows
) -> None:
    registered: dict[str, Any] = {
        "redirect_uris": ["http://oa.localhost:8000/.yimen/callback?a=b", "http://OA.localhost:8000/x", REDIRECT_URI],
        "post_logout_redirect_uris": ["http://oa-files.localhost:8000/", "http://oa.localhost:8080/"],
    }
    assert await told(database, clients, **registered) is None
    assert await addresses(database, clients) == {
        "redirect_uris": tuple(registered["redirect_uris"]),
        "bye": tuple(registered["post_logout_redirect_uris"]),
    }
    moved = Clients(clock, Settings(**{**settings.model_dump(), **MOVED}), rows, ClientSecrets(PasswordHashing()))
    assert await addresses(database, moved) == {
        "redirect_uris": (
            "https://oa.gw.linxi.example/.yimen/callback?a=b",
            "http://OA.localhost:8000/x",
            REDIRECT_URI,
        ),
        "bye": ("https://oa-files.gw.linxi.example/", "http://oa.localhost:8080/"),
    }


@pytest.mark.parametrize("application_type", ["web", "native"])
async def test_nobody_registers_an_address_as_it_is_kept(
    database: Database, clients: Clients, application_type: str
) -> None:
    uri = "gateway:oa/.yimen/callback"
    assert await told(database, clients, redirect_uris=[uri], application_type=application_type) is not None
