"""Enters: a recipe's text, or a page and its recipe. Leaves: a typed recipe, and the variables and transform it
names.
"""
