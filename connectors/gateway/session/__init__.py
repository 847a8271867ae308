"""Who is there: the gateway's own sessions, one a system and browser.

Enters: a cookie of the gateway host, or the provider's answer. Leaves: a `GatewaySession` - the live sign-in, and what
the visit knows: whether it is supervised, and which secrets its answers must not show. Promised: no session outlives
the sign-in it came from, and what the visit knows is kept on the server, out of the page's reach.
"""
