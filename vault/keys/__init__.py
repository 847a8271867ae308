"""Custody and sealing.

Enters: a plaintext and the place it belongs to (`sealing.Binding`). Leaves: an envelope that opens in that place only.
Promised: root keys never leave the custodian's store except into this process; a content key is used for one write.
"""
