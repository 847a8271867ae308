"""Reading legacy systems, sub-package by what is read: `page` finds the login form, `recipe` is its description by
hand, `outcome` tells from an answer how a sign-in went.
"""
