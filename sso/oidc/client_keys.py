"""A client's public keys, and what they verify (RFC 7515, RFC 7517)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import JWKRegistry, Key
from joserfc.jws import JWSRegistry

# The kind of key, and its curve, that each algorithm is for. RFC 9864 §2.2: `Ed25519` is EdDSA with its curve said.
_KEYS: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "PS256": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    "RS256": ("RSA", None),
}
ALGORITHMS = tuple(_KEYS)


def read_keys(document: Mapping[str, Any]) -> Sequence[Key]:
    """The keys of a JWK Set that we can use; others are ignored (RFC 7517 §5). Raises KeyError or TypeError."""
    keys = []
    for members in document["keys"]:
        try:
            keys.append(JWKRegistry.import_key(members))
        except (JoseError, ValueError, KeyError, TypeError):
            continue
    return keys


def verified(token: str, keys: Sequence[Key], algorithms: Collection[str]) -> jwt.Token:
    """The token, signed by one of `keys`: every one that fits is tried, for a `kid` is only a hint (RFC 7515 §4.1.4).

    Raises what the JOSE library raises.
    """
    # RFC 7515 §4: a header that we do not know is ignored.
    registry = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
    header = jws.extract_compact(token.encode(), registry=registry).headers()
    for key in keys:
        if _fits(key, str(header["alg"]), header.get("kid")):
            try:
                return jwt.decode(token, key, registry=registry)
            except BadSignatureError:
                continue
    raise BadSignatureError


def _fits(key: Key, alg: str, kid: object) -> bool:
    """RFC 7517 §4: what the key says of itself; what it leaves out speaks against nothing."""
    return (
        (key.key_type, key.get("crv")) == _KEYS.get(alg)
        and key.get("use", "sig") == "sig"
        and key.get("alg", alg) == alg
        and (kid is None or key.get("kid") in (None, kid))
    )
