"""Enters: the bytes of an HTML page. Leaves: its login form - which field takes the name, which the password, what
to press - or that there is none. Promised: no page makes it raise, or work longer than its size allows.
"""
