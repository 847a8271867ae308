"""Reading legacy systems, sub-package by what is read: `page` finds the login form, `recipe` is its description by
hand, `outcome` tells from an answer how a sign-in went, `trial` does a whole sign-in without a browser.
"""
