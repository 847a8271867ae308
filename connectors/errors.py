"""What this floor refuses, as values."""

from core.errors import YimenError


class ConnectorError(YimenError):
    """A system, launch, recipe, form or gateway request that is refused."""
