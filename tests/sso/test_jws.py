"""Compact JWS: what we sign others read, and what was changed in any way is refused."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from sso.oidc.jws import JwsSigner, PublicKey, verified

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, tuple[str, PublicKey]] = {"e": ("ES256", EC.public_key()), "r": ("RS256", RSA.public_key())}
SIGNERS = {"e": JwsSigner("ES256", "e", EC), "r": JwsSigner("RS256", "r", RSA)}
CLAIMS = {"iss": "http://localhost", "sub": "林晓岚", "exp": 1_800_000_000, "amr": ["pwd"]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def key_of(kid: str) -> tuple[str, PublicKey] | None:
    return KEYS.get(kid)


def segment(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(claims=st.dictionaries(st.text(), JSON, max_size=4), kid=st.sampled_from(["e", "r"]))
def test_what_is_signed_is_read_again(claims: dict[str, Any], kid: str) -> None:
    token = SIGNERS[kid].sign("at+jwt", claims)
    assert verified(token, key_of) == ({"alg": KEYS[kid][0], "kid": kid, "typ": "at+jwt"}, claims)


@pytest.mark.parametrize("kid", ["e", "r"])
def test_another_library_reads_what_we_sign_and_we_what_it_signs(kid: str) -> None:
    private = ECKey.import_key(EC) if kid == "e" else RSAKey.import_key(RSA)
    alg = KEYS[kid][0]
    assert jwt.decode(SIGNERS[kid].sign("JWT", CLAIMS), private, algorithms=[alg]).claims == CLAIMS
    theirs = jwt.encode({"alg": alg, "kid": kid}, dict(CLAIMS), private, algorithms=[alg])
    read = verified(theirs, key_of)
    assert read is not None
    assert read[1] == CLAIMS


@given(data=st.data(), kid=st.sampled_from(["e", "r"]))
def test_whatever_character_is_changed_the_token_is_refused(data: st.DataObject, kid: str) -> None:
    token = SIGNERS[kid].sign("JWT", CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != token[place]))
    assert verified(token[:place] + other + token[place + 1 :], key_of) is None


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,90}", fullmatch=True))
def test_what_is_no_token_of_ours_is_refused(text: str) -> None:
    assert verified(text, key_of) is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "e"},
        {"alg": "HS256", "kid": "e"},
        {"alg": "RS256", "kid": "e"},
        {"alg": "ES256", "kid": "r"},
        {"alg": "ES256", "kid": "x"},
        {"alg": "ES256"},
        {"alg": "ES256", "kid": ["e"]},
        {"alg": "ES256", "kid": "e", "crit": ["exp"], "exp": 1},
        ["ES256"],
        "ES256",
    ],
)
def test_the_header_chooses_nothing(header: Any) -> None:
    """RFC 8725 §3.1; each is signed as its header says where that can be."""
    signed = f"{segment(header)}.{segment(CLAIMS)}"
    honest = SIGNERS["e"]._signature(signed.encode())
    for signature in (honest, b"", SIGNERS["r"]._signature(signed.encode())):
        assert verified(f"{signed}.{segment(signature)}", key_of) is None


def test_a_signature_of_nothing_is_refused() -> None:
    """CVE-2022-21449: r and s of zero."""
    signed = SIGNERS["e"].sign("JWT", CLAIMS).rpartition(".")[0]
    for signature in (bytes(64), b"\xff" * 64, bytes(63), bytes(65)):
        assert verified(f"{signed}.{segment(signature)}", key_of) is None


def test_a_payload_that_is_no_object_is_refused() -> None:
    for payload in (b"[]", b"1", b"", b"\xff", b"[" * 100_000):
        signed = f"{segment({'alg': 'ES256', 'kid': 'e'})}.{segment(payload)}"
        assert verified(f"{signed}.{segment(SIGNERS['e']._signature(signed.encode()))}", key_of) is None
