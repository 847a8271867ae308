"""The gateway: a reverse proxy with one host an origin, which signs people in and keeps passwords out of browsers.

A request goes through the sub-packages once, in this order:

    session   who is there, and what is known of the visit
    swap      the password goes in, in the login request and nowhere else
    wire      to the legacy server and back
    answers   what the answer tells, and its bytes without the password
    pages     what the browser is shown

It is an ASGI application of its own and meets hostile pages: nothing that a legacy server or its page says is trusted.
`rooms` builds the parts, `app` receives requests, `proxy` leads them through.
"""
