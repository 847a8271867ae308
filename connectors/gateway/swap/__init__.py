"""Where a password goes in.

Enters: a request of a page, and the fills of its visit. Leaves: the request with the real value in the place of the
dummy, written anew; or a refusal. Promised: a dummy is exchanged in a login request that is known beforehand, or that a
supervised first sign-in may teach, and in no other; each exchange is in the ledger before it leaves.
"""
