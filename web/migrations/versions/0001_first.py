"""The first shape of the database."""

import sqlalchemy as sa
from alembic import op

from core.database import UtcDateTime
from web.migrations.ledger_triggers import FIRST

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connectors_capture",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("gateway_session_id", sa.String(length=26), nullable=False),
        sa.Column("system_id", sa.String(length=26), nullable=False),
        sa.Column("masked_login", sa.String(length=200), nullable=False),
        sa.Column("sealed_login", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("offered", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_capture")),
    )
    op.create_index(op.f("ix_connectors_capture_expires_at"), "connectors_capture", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_connectors_capture_gateway_session_id"), "connectors_capture", ["gateway_session_id"], unique=False
    )
    op.create_table(
        "connectors_fill",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("gateway_session_id", sa.String(length=26), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=True),
        sa.Column("dummy", sa.String(length=32), nullable=False),
        sa.Column("target_path", sa.String(length=2000), nullable=True),
        sa.Column("username_field", sa.String(length=200), nullable=True),
        sa.Column("password_field", sa.String(length=200), nullable=True),
        sa.Column("charset", sa.String(length=40), nullable=False),
        sa.Column("login_url", sa.String(length=2000), nullable=False),
        sa.Column("variables", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("reusable_until", UtcDateTime(), nullable=True),
        sa.Column("undecided", sa.String(length=8), nullable=True),
        sa.Column("sealed_echo", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_fill")),
    )
    op.create_index(op.f("ix_connectors_fill_expires_at"), "connectors_fill", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_connectors_fill_gateway_session_id"), "connectors_fill", ["gateway_session_id"], unique=False
    )
    op.create_table(
        "connectors_gateway_basic",
        sa.Column("gateway_session_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("gateway_session_id", name=op.f("pk_connectors_gateway_basic")),
    )
    op.create_index(
        op.f("ix_connectors_gateway_basic_expires_at"), "connectors_gateway_basic", ["expires_at"], unique=False
    )
    op.create_table(
        "connectors_gateway_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.String(length=26), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_connectors_gateway_session")),
        sa.UniqueConstraint("id", name=op.f("uq_connectors_gateway_session_id")),
    )
    op.create_index(
        op.f("ix_connectors_gateway_session_expires_at"), "connectors_gateway_session", ["expires_at"], unique=False
    )
    op.create_index(
        op.f("ix_connectors_gateway_session_session_id"), "connectors_gateway_session", ["session_id"], unique=False
    )
    op.create_table(
        "connectors_launch_intent",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.String(length=26), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=True),
        sa.Column("stepped", sa.Boolean(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_launch_intent")),
    )
    op.create_index("ix_connectors_launch_intent_expires", "connectors_launch_intent", ["expires_at"], unique=False)
    op.create_index(
        "ix_connectors_launch_intent_session", "connectors_launch_intent", ["session_id", "system_id"], unique=False
    )
    op.create_table(
        "connectors_recipe",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_connectors_recipe")),
    )
    op.create_table(
        "connectors_step",
        sa.Column("system_id", sa.String(length=26), nullable=False),
        sa.Column("left_to_person", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("system_id", name=op.f("pk_connectors_step")),
    )
    op.create_table(
        "connectors_system",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("client_id", sa.String(length=255), nullable=True),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors_system")),
        sa.UniqueConstraint("slug", name=op.f("uq_connectors_system_slug")),
    )
    op.create_index("ix_connectors_system_owner", "connectors_system", ["owner"], unique=False)
    op.create_table(
        "core_job",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_core_job")),
    )
    op.create_table(
        "sso_attempt",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_sso_attempt")),
    )
    op.create_index(op.f("ix_sso_attempt_until"), "sso_attempt", ["until"], unique=False)
    op.create_table(
        "sso_client",
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("secret_hash", sa.String(length=200), nullable=True),
        sa.Column("name", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("first_party", sa.Integer(), nullable=False),
        sa.Column("access", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("metadata", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_sso_client")),
    )
    op.create_index(op.f("ix_sso_client_owner"), "sso_client", ["owner"], unique=False)
    op.create_table(
        "sso_client_assertion",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_client_assertion")),
    )
    op.create_index(op.f("ix_sso_client_assertion_expires_at"), "sso_client_assertion", ["expires_at"], unique=False)
    op.create_table(
        "sso_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2000), nullable=False),
        sa.Column("redirect_uri_sent", sa.Boolean(), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_code")),
    )
    op.create_index(op.f("ix_sso_code_expires_at"), "sso_code", ["expires_at"], unique=False)
    op.create_table(
        "sso_consent",
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "client_id", name=op.f("pk_sso_consent")),
    )
    op.create_table(
        "sso_grant",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("claims", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("nonce", sa.String(length=1024), nullable=True),
        sa.Column("amr", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("acr", sa.String(length=64), nullable=False),
        sa.Column("auth_time", UtcDateTime(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_grant")),
    )
    op.create_index(op.f("ix_sso_grant_expires_at"), "sso_grant", ["expires_at"], unique=False)
    op.create_index("ix_sso_grant_session", "sso_grant", ["session_id"], unique=False)
    op.create_index("ix_sso_grant_user", "sso_grant", ["user_id", "revoked_at"], unique=False)
    op.create_table(
        "sso_interaction",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=True),
        sa.Column("decided_by", sa.String(length=26), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_interaction")),
    )
    op.create_index(op.f("ix_sso_interaction_expires_at"), "sso_interaction", ["expires_at"], unique=False)
    op.create_table(
        "sso_organisation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=True),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=1041), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_organisation")),
    )
    op.create_index(op.f("ix_sso_organisation_parent"), "sso_organisation", ["parent"], unique=False)
    op.create_table(
        "sso_password",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_password")),
    )
    op.create_index("ix_sso_password_user", "sso_password", ["user_id", "id"], unique=False)
    op.create_table(
        "sso_pending_sign_in",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("amr", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_pending_sign_in")),
    )
    op.create_index(op.f("ix_sso_pending_sign_in_expires_at"), "sso_pending_sign_in", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sso_pending_sign_in_user_id"), "sso_pending_sign_in", ["user_id"], unique=False)
    op.create_table(
        "sso_post",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("organisation_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=50), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_post")),
    )
    op.create_index("ix_sso_post_organisation", "sso_post", ["organisation_id"], unique=False)
    op.create_index("ix_sso_post_user", "sso_post", ["user_id"], unique=False)
    op.create_table(
        "sso_recovery_code",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_recovery_code")),
    )
    op.create_index(op.f("ix_sso_recovery_code_user_id"), "sso_recovery_code", ["user_id"], unique=False)
    op.create_table(
        "sso_refresh_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_refresh_token")),
    )
    op.create_index(op.f("ix_sso_refresh_token_expires_at"), "sso_refresh_token", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sso_refresh_token_grant_id"), "sso_refresh_token", ["grant_id"], unique=False)
    op.create_table(
        "sso_revoked_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_revoked_token")),
    )
    op.create_index(op.f("ix_sso_revoked_token_expires_at"), "sso_revoked_token", ["expires_at"], unique=False)
    op.create_table(
        "sso_session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("amr", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("auth_time", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=80), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_sso_session_digest")),
    )
    op.create_index(op.f("ix_sso_session_expires_at"), "sso_session", ["expires_at"], unique=False)
    op.create_index("ix_sso_session_user", "sso_session", ["user_id", "ended_at"], unique=False)
    op.create_table(
        "sso_signing_key",
        sa.Column("kid", sa.String(length=26), nullable=False),
        sa.Column("alg", sa.String(length=8), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("generation", sa.String(length=26), nullable=False),
        sa.Column("usable_from", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_sso_signing_key")),
        sa.UniqueConstraint("alg", "generation", name=op.f("uq_sso_signing_key_alg_generation")),
    )
    op.create_table(
        "sso_totp",
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_sso_totp")),
    )
    op.create_table(
        "sso_user",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("roles", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("employee_number", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=50), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("masked_mobile", sa.String(length=32), nullable=True),
        sa.Column("sealed_mobile", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_id_card", sa.LargeBinary(), nullable=True),
        sa.Column("index_mobile", sa.LargeBinary(), nullable=True),
        sa.Column("index_id_card", sa.LargeBinary(), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("totp_required", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_user")),
        sa.UniqueConstraint("username", name=op.f("uq_sso_user_username")),
    )
    op.create_index(op.f("ix_sso_user_employee_number"), "sso_user", ["employee_number"], unique=False)
    op.create_index(op.f("ix_sso_user_index_id_card"), "sso_user", ["index_id_card"], unique=False)
    op.create_index(op.f("ix_sso_user_index_mobile"), "sso_user", ["index_mobile"], unique=False)
    op.create_table(
        "vault_head",
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_vault_head")),
    )
    op.create_table(
        "vault_item",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("masked_login", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed_login", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("frozen_reason", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("last_result", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_item")),
    )
    op.create_index(op.f("ix_vault_item_owner"), "vault_item", ["owner"], unique=False)
    op.create_index(op.f("ix_vault_item_system"), "vault_item", ["system"], unique=False)
    op.create_table(
        "vault_key",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("suite", sa.String(length=8), nullable=False),
        sa.Column("root_id", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_key")),
        sa.UniqueConstraint("owner", "generation", name=op.f("uq_vault_key_owner_generation")),
    )
    op.create_index(op.f("ix_vault_key_root_id"), "vault_key", ["root_id"], unique=False)
    op.create_table(
        "vault_ledger_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_vault_ledger_checkpoint")),
    )
    op.create_table(
        "vault_ledger_event",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("system", sa.String(length=64), nullable=True),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("session", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("quarantined", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_ledger_event")),
        sa.UniqueConstraint("position", name=op.f("uq_vault_ledger_event_position")),
    )
    op.create_index("ix_vault_ledger_event_action", "vault_ledger_event", ["action", "id"], unique=False)
    op.create_index("ix_vault_ledger_event_actor", "vault_ledger_event", ["actor", "id"], unique=False)
    op.create_index("ix_vault_ledger_event_recorded", "vault_ledger_event", ["recorded_at", "id"], unique=False)
    op.create_index("ix_vault_ledger_event_result", "vault_ledger_event", ["result", "id"], unique=False)
    op.create_index(
        "ix_vault_ledger_event_staged",
        "vault_ledger_event",
        ["id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("ix_vault_ledger_event_subject", "vault_ledger_event", ["subject", "action", "id"], unique=False)
    op.create_index("ix_vault_ledger_event_system", "vault_ledger_event", ["system", "id"], unique=False)
    op.create_table(
        "vault_ledger_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_vault_ledger_node")),
    )
    op.create_table(
        "vault_ledger_tree",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_ledger_tree")),
    )
    op.create_table(
        "vault_root",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Integer(), nullable=True),
        sa.Column("check", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_root")),
        sa.UniqueConstraint("active", name=op.f("uq_vault_root_active")),
    )
    op.create_table(
        "vault_signing_key",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_vault_signing_key")),
    )
    op.create_table(
        "vault_ticket",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("item_id", sa.String(length=26), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("recipe_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_vault_ticket")),
    )
    op.create_index(op.f("ix_vault_ticket_expires_at"), "vault_ticket", ["expires_at"], unique=False)
    op.create_table(
        "web_favourite",
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("system_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "system_id", name=op.f("pk_web_favourite")),
    )
    for statement in FIRST[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("web_favourite")
    op.drop_index(op.f("ix_vault_ticket_expires_at"), table_name="vault_ticket")
    op.drop_table("vault_ticket")
    op.drop_table("vault_signing_key")
    op.drop_table("vault_root")
    op.drop_table("vault_ledger_tree")
    op.drop_table("vault_ledger_node")
    op.drop_index("ix_vault_ledger_event_system", table_name="vault_ledger_event")
    op.drop_index("ix_vault_ledger_event_subject", table_name="vault_ledger_event")
    op.drop_index(
        "ix_vault_ledger_event_staged",
        table_name="vault_ledger_event",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.drop_index("ix_vault_ledger_event_result", table_name="vault_ledger_event")
    op.drop_index("ix_vault_ledger_event_recorded", table_name="vault_ledger_event")
    op.drop_index("ix_vault_ledger_event_actor", table_name="vault_ledger_event")
    op.drop_index("ix_vault_ledger_event_action", table_name="vault_ledger_event")
    op.drop_table("vault_ledger_event")
    op.drop_table("vault_ledger_checkpoint")
    op.drop_index(op.f("ix_vault_key_root_id"), table_name="vault_key")
    op.drop_table("vault_key")
    op.drop_index(op.f("ix_vault_item_system"), table_name="vault_item")
    op.drop_index(op.f("ix_vault_item_owner"), table_name="vault_item")
    op.drop_table("vault_item")
    op.drop_table("vault_head")
    op.drop_index(op.f("ix_sso_user_index_mobile"), table_name="sso_user")
    op.drop_index(op.f("ix_sso_user_index_id_card"), table_name="sso_user")
    op.drop_index(op.f("ix_sso_user_employee_number"), table_name="sso_user")
    op.drop_table("sso_user")
    op.drop_table("sso_totp")
    op.drop_table("sso_signing_key")
    op.drop_index("ix_sso_session_user", table_name="sso_session")
    op.drop_index(op.f("ix_sso_session_expires_at"), table_name="sso_session")
    op.drop_table("sso_session")
    op.drop_index(op.f("ix_sso_revoked_token_expires_at"), table_name="sso_revoked_token")
    op.drop_table("sso_revoked_token")
    op.drop_index(op.f("ix_sso_refresh_token_grant_id"), table_name="sso_refresh_token")
    op.drop_index(op.f("ix_sso_refresh_token_expires_at"), table_name="sso_refresh_token")
    op.drop_table("sso_refresh_token")
    op.drop_index(op.f("ix_sso_recovery_code_user_id"), table_name="sso_recovery_code")
    op.drop_table("sso_recovery_code")
    op.drop_index("ix_sso_post_user", table_name="sso_post")
    op.drop_index("ix_sso_post_organisation", table_name="sso_post")
    op.drop_table("sso_post")
    op.drop_index(op.f("ix_sso_pending_sign_in_user_id"), table_name="sso_pending_sign_in")
    op.drop_index(op.f("ix_sso_pending_sign_in_expires_at"), table_name="sso_pending_sign_in")
    op.drop_table("sso_pending_sign_in")
    op.drop_index("ix_sso_password_user", table_name="sso_password")
    op.drop_table("sso_password")
    op.drop_index(op.f("ix_sso_organisation_parent"), table_name="sso_organisation")
    op.drop_table("sso_organisation")
    op.drop_index(op.f("ix_sso_interaction_expires_at"), table_name="sso_interaction")
    op.drop_table("sso_interaction")
    op.drop_index("ix_sso_grant_user", table_name="sso_grant")
    op.drop_index("ix_sso_grant_session", table_name="sso_grant")
    op.drop_index(op.f("ix_sso_grant_expires_at"), table_name="sso_grant")
    op.drop_table("sso_grant")
    op.drop_table("sso_consent")
    op.drop_index(op.f("ix_sso_code_expires_at"), table_name="sso_code")
    op.drop_table("sso_code")
    op.drop_index(op.f("ix_sso_client_assertion_expires_at"), table_name="sso_client_assertion")
    op.drop_table("sso_client_assertion")
    op.drop_index(op.f("ix_sso_client_owner"), table_name="sso_client")
    op.drop_table("sso_client")
    op.drop_index(op.f("ix_sso_attempt_until"), table_name="sso_attempt")
    op.drop_table("sso_attempt")
    op.drop_table("core_job")
    op.drop_index("ix_connectors_system_owner", table_name="connectors_system")
    op.drop_table("connectors_system")
    op.drop_table("connectors_step")
    op.drop_table("connectors_recipe")
    op.drop_index("ix_connectors_launch_intent_session", table_name="connectors_launch_intent")
    op.drop_index("ix_connectors_launch_intent_expires", table_name="connectors_launch_intent")
    op.drop_table("connectors_launch_intent")
    op.drop_index(op.f("ix_connectors_gateway_session_session_id"), table_name="connectors_gateway_session")
    op.drop_index(op.f("ix_connectors_gateway_session_expires_at"), table_name="connectors_gateway_session")
    op.drop_table("connectors_gateway_session")
    op.drop_index(op.f("ix_connectors_gateway_basic_expires_at"), table_name="connectors_gateway_basic")
    op.drop_table("connectors_gateway_basic")
    op.drop_index(op.f("ix_connectors_fill_gateway_session_id"), table_name="connectors_fill")
    op.drop_index(op.f("ix_connectors_fill_expires_at"), table_name="connectors_fill")
    op.drop_table("connectors_fill")
    op.drop_index(op.f("ix_connectors_capture_gateway_session_id"), table_name="connectors_capture")
    op.drop_index(op.f("ix_connectors_capture_expires_at"), table_name="connectors_capture")
    op.drop_table("connectors_capture")
