"""The gateway's two wires: to the browser and to the legacy server. Enters: a request or an answer. Leaves: the
same, with header fields, addresses and cookies as the other side must see them. Knows no password.
"""
