"""What the browser is shown.

Enters: a page of the legacy server, freed of secrets. Leaves: the page with its addresses rewritten, and, where it is a
login page, with the one script that fills in the name and a dummy. Also the gateway's own notices.
"""
