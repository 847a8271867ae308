"""What a legacy system answers, before it goes to the browser.

In: an answer's bytes, decompressed, whole or piece by piece, and the secrets that were put into the requests before it.
Out: the same bytes with `******` in the place of each secret, in whichever usual writing it stood (`scrub.Scrubber`).
Promised: time linear in the answer and bounded memory whatever it says; an answer without a secret is unchanged; how
it was cut into pieces changes nothing. `scrub` says what is not found. Which answers must be scrubbed is decided
elsewhere.
"""
