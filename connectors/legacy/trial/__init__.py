"""Enters: an address, an account, perhaps a recipe. Leaves: how a sign-in there went, without a browser."""
