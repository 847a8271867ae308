"""Enters: an answer of the legacy system. Leaves: success, failure, locked, expired or unknown, and why. Never
raises.
"""
