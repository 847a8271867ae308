"""The servers that are measured side by side, each with the same client and the same person.

Enters: a folder, a port, the cores, an `Account`. Leaves: a `Provider`, running and signed in to.
Promised: a peer runs as its makers set it up for production, with one client and one person; nothing of it is copied in
here, and nothing is written to where it is installed.
"""
