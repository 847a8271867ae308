"""The gateway: a reverse proxy with one host a system, which signs people in and keeps passwords out of browsers.

It is an ASGI application of its own and meets hostile pages: nothing that a legacy server or its page says is trusted.
"""
