"""What the vault refuses, as values. None of them ever carries key material or plaintext."""

from core.errors import YimenError


class VaultError(YimenError):
    """ERR-CUSTODY, ERR-SEAL, ERR-ITEM, ERR-ITEM_TAMPERED, ERR-ITEM_FROZEN, ERR-ITEM_DESTINATION, ERR-ROW_TAMPERED,
    ERR-TICKET, ERR-LEDGER."""
