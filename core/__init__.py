"""Floor 0: what every other floor stands on. Knows no word of the field (no user, client, item or system)."""
