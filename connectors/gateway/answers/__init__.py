"""What comes back from the legacy server.

Enters: an answer as the server sent it. Leaves: what it tells about the sign-in, and its bytes without the passwords
that were put in on this visit. Promised: every answer of a visit that has put one in is scrubbed, in time linear in its
length; which writings are found is said in `scrub`.
"""
