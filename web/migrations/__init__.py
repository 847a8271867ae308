"""Alembic migrations, one head. Run by `yimen migrate` and by the first start."""
