"""The demo county: small legacy systems and OpenID Connect clients that stand in for the real ones."""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning

# Authlib asks for the successor of httpx at import; what it does with httpx is the same.
warnings.filterwarnings("ignore", "The httpx module is deprecated", AuthlibDeprecationWarning)
