"""What comes back from the legacy server.

Enters: an answer as the server sent it. Leaves: what it tells about the sign-in, and its bytes without the passwords
that were put in for this person. Promised: every answer to them is scrubbed, in time linear in its length, of what was
put in by the time that it comes; what cannot be read is not shown; which writings are found is said in `scrub`.
"""
