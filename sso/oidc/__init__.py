"""The OpenID provider: one file an endpoint or concept, named by the standard's word."""
