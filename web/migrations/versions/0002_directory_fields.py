"""The rest of what the official model says of people, posts and organisations."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sso_organisation", sa.Column("full_name", sa.String(length=200), nullable=True))
    op.add_column("sso_organisation", sa.Column("unified_code", sa.String(length=18), nullable=True))
    op.add_column("sso_post", sa.Column("order", sa.Integer(), server_default="0", nullable=False))
    op.add_column("sso_user", sa.Column("short_number", sa.String(length=8), nullable=True))
    op.add_column("sso_user", sa.Column("sealed_second_mobile", sa.LargeBinary(), nullable=True))
    op.add_column("sso_user", sa.Column("index_second_mobile", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_sso_user_index_second_mobile"), "sso_user", ["index_second_mobile"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sso_user_index_second_mobile"), table_name="sso_user")
    op.drop_column("sso_user", "index_second_mobile")
    op.drop_column("sso_user", "sealed_second_mobile")
    op.drop_column("sso_user", "short_number")
    op.drop_column("sso_post", "order")
    op.drop_column("sso_organisation", "unified_code")
    op.drop_column("sso_organisation", "full_name")
