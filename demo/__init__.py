"""The demo county: small legacy systems and OpenID Connect clients that stand in for the real ones."""
