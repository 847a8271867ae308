"""Floor 1: what must be kept.

Enters: secrets (passwords, seeds, signing keys) and events, each with the id of whom they belong to. Leaves: a secret
in the clear for the length of one `with` block, by leave for one use, after its ledger event is durable; proofs and
exports of the ledger. Promised: without the custodian's root key a copy of the database opens nothing, and a row that
somebody else wrote is refused and recorded.

`keys` keeps and rotates keys and seals with them; `ledger` keeps events; `items` and what stands beside it keep the
accounts; `releases` lets a password out, by a ticket where leave has to be carried. The vault knows no user, client or
HTTP: owners are opaque ids.
"""
