"""Importing this module declares every table of the product on `core.database.metadata`."""

# ruff: noqa: F401

import connectors.gateway.pages.steps
import connectors.gateway.session.fills
import connectors.gateway.session.sessions
import connectors.gateway.swap.basic
import connectors.gateway.swap.captures
import connectors.launch
import connectors.legacy.recipe.store
import connectors.login_requests.store
import connectors.systems
import core.jobs
import core.notices
import sso.authentication.endings
import sso.authentication.lockout
import sso.authentication.passwords
import sso.authentication.totp
import sso.clients
import sso.directory.organisations
import sso.directory.posts
import sso.directory.users
import sso.oidc.client_authentication
import sso.oidc.consent
import sso.oidc.grant_table
import sso.oidc.grants
import sso.oidc.interaction
import sso.oidc.keys
import sso.oidc.revocation
import vault.heads
import vault.keys.signing
import vault.keys.store
import vault.ledger.counts
import vault.ledger.events
import vault.ledger.ledger
import vault.tickets
import web.favourites
