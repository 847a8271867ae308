"""Proving who you are: passwords, second factors, lock-out, sessions."""
