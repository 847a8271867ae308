"""Enters: a page, and a recipe where there is one. Leaves: the plan of what is filled, what is left to the person, and
who presses the button - or None where nothing may be filled. Promised: nothing is planned for a form that leads to
another origin.
"""
