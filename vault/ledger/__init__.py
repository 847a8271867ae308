"""The audit record.

Enters: an `Event`, in the unit of work of what it tells or by group commit. Leaves: events by query, exports, proofs.
Promised: an acknowledged event is on disk; none is changed or removed without `watch`, `verify` or the next export
saying so.
"""

from vault.ledger.events import Event, RecordedEvent
from vault.ledger.ledger import Ledger

__all__ = ["Event", "Ledger", "RecordedEvent"]
