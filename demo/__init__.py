"""The demo county: small legacy systems and OpenID Connect clients that stand in for the real ones."""

import warnings

# Authlib asks for the successor of httpx at import; what it does with httpx is the same.
warnings.filterwarnings("ignore", message="The httpx module is deprecated")
