"""What a statement can end in. A database that does not work is `core.errors.UnavailableError` instead."""


class StatementError(Exception):
    """The database refused a statement, in the driver's words. Never holds the statement's values."""


class IntegrityError(StatementError):
    """The row would break a rule of its table: its key is taken, say."""
