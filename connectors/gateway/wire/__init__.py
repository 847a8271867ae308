"""The gateway's two wires: to the browser and to the legacy server.

Enters: a request of a browser, or an answer of a system. Leaves: the same, with header fields, addresses and cookies as
the other side must see them, framed anew.

Promised: what a browser takes from a system is passed on; anything else is a ConnectorError with a stable code, before
the answer has begun, or an answer that is seen to break off. Nothing that either side writes can end its own message
early or begin another. Memory is bounded, and the cost of every byte is linear. A system is connected to only at
allowed addresses, and over TLS only when its certificate is believed. No password is known here.

On the way out: `methods`, `paths` and `foreign` judge the request; `headers` and `rewrite` change it; `upload` reads
its body; `request` and `sender` write it. On the way back: `pool` and `connection` carry bytes; `answer_head`,
`framing` and `coding` read them; `answer` gives the body piece by piece; `headers` and `rewrite` change what goes on.
`upstream` is the whole way there and back, and `visitor` goes it without a browser; `websocket` and `socket` are the
same for sockets.
"""
