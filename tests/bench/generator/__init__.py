"""The load on a server, made by processes of its own.

Enters: a `Job`, as JSON on standard input. Leaves: a `Result`, as JSON on standard output.
Promised: a closed loop. Each connection is kept alive, asks, waits for the whole answer, judges it, and asks again.
What failed is counted and its first reason told. The process tells its share of its core, so that nobody takes the
generator's limit for the server's. Nothing of Yimen is imported here: every server meets the same client.
"""
