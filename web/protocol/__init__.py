"""HTTP for the OpenID provider: plain Starlette routes that translate requests to `sso.oidc` and results back."""
