"""Transforms against independent implementations, and the expression language against anything."""

import base64
import hashlib
from contextlib import suppress
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.legacy.recipe.transform_functions import FUNCTIONS
from connectors.legacy.recipe.transforms import compile_transform

PASSWORD = "Pa55&密码"


def _apply(expression: str, password: str = PASSWORD, **variables: str) -> bytes:
    return bytes(compile_transform(expression).apply(bytearray(password.encode()), variables))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def rsa_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("plain", PASSWORD),
        ("password", PASSWORD),
        ("md5", _md5(PASSWORD)),
        ("md5(password)", _md5(PASSWORD)),
        ("upper(md5)", _md5(PASSWORD).upper()),
        ("md5(md5(password) + salt)", _md5(_md5(PASSWORD) + "s4lt")),
        ("md5(password + '&key=' + salt)", _md5(PASSWORD + "&key=s4lt")),
        ('salt + "-" + password', "s4lt-" + PASSWORD),
        ("slice(md5, 8, 24)", _md5(PASSWORD)[8:24]),
        ("sha1", hashlib.sha1(PASSWORD.encode()).hexdigest()),
        ("sha256(password)", hashlib.sha256(PASSWORD.encode()).hexdigest()),
        ("sha512", hashlib.sha512(PASSWORD.encode()).hexdigest()),
        ("base64", base64.b64encode(PASSWORD.encode()).decode()),
        ("base64(unhex(md5))", base64.b64encode(hashlib.md5(PASSWORD.encode()).digest()).decode()),
        ("hex", PASSWORD.encode().hex()),
        ("unbase64(base64)", PASSWORD),
        ("urlencode", quote(PASSWORD, safe="-_.!~*'()")),
        ("lower(upper(password))", "pa55&密码"),
    ],
)
def test_a_transform_gives_what_the_pages_script_would(expression: str, expected: str) -> None:
    variables = {"salt": "s4lt"} if "salt" in expression else {}
    assert _apply(expression, **variables) == expected.encode()


def test_sm3_is_that_of_the_standard() -> None:
    # GB/T 32905-2016, appendix A.1.
    assert _apply("sm3", "abc") == b"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


@pytest.mark.parametrize(("name", "algorithm"), [("aes", AES), ("sm4", SM4)])
def test_block_ciphers_are_opened_by_the_other_side(name: str, algorithm: type[AES] | type[SM4]) -> None:
    key, iv = "0123456789abcdef", "fedcba9876543210"
    for expression, mode in (
        (f"{name}_cbc(password, key, iv)", modes.CBC(iv.encode())),
        (f"{name}_ecb(password, key)", modes.ECB()),
    ):
        variables = {"key": key, "iv": iv} if "iv" in expression else {"key": key}
        sealed = _apply(expression, **variables)
        decryptor = Cipher(algorithm(key.encode()), mode).decryptor()
        unpadder = PKCS7(128).unpadder()
        padded = decryptor.update(sealed) + decryptor.finalize()
        assert (unpadder.update(padded) + unpadder.finalize()).decode() == PASSWORD


def test_sm4_is_that_of_the_standard() -> None:
    # GB/T 32907-2016, appendix A.1: the first block; the second is padding.
    key = "0123456789abcdeffedcba9876543210"
    sealed = _apply("hex(sm4_ecb(unhex(password), unhex(key)))", key, key=key)
    assert sealed[:32] == b"681edf34d206965e86b3e94f536e4246"


def test_rsa_takes_the_forms_of_key_that_pages_use(rsa_key: RSAPrivateKey) -> None:
    public = rsa_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    numbers = public.public_numbers()
    forms = [
        ("base64(rsa(password, key))", {"key": pem}),
        ("base64(rsa(password, key))", {"key": "".join(pem.splitlines()[1:-1])}),
        ("base64(rsa(password, n, e))", {"n": f"{numbers.n:x}", "e": "10001"}),
    ]
    for expression, variables in forms:
        sealed = base64.b64decode(_apply(expression, **variables))
        assert rsa_key.decrypt(sealed, PKCS1v15()).decode() == PASSWORD


def test_a_transform_names_the_variables_it_needs() -> None:
    transform = compile_transform("md5(md5(username + password) + salt)")
    assert transform.variables == {"username", "salt"}
    with pytest.raises(ConnectorError, match="no value for salt"):
        transform.apply(bytearray(b"x"), {"username": "u"})


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "column 1"),
        ("md5(", "column 5"),
        ("md5(password", "expected )"),
        ("password password", "column 10: expected the end"),
        ("password +", "column 11"),
        ("nope(password)", "there is no function nope"),
        ("md5(password, salt)", "md5 takes 1"),
        ("aes_cbc(password, key)", "takes 3"),
        ("'only text'", "never uses the password"),
        ("md5(salt)", "never uses the password"),
        ("password; import os", "column 9"),
        ("__import__('os').system('x') + password", "column 17"),
        ("(" * 30 + "password" + ")" * 30, "nested too deeply"),
        ("password + " * 60 + "password", "longer than"),
        ("'unclosed + password", "column 1"),
    ],
)
def test_a_mistake_is_pointed_at(expression: str, message: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        compile_transform(expression)
    assert caught.value.code == "ERR-TRANSFORM"
    assert message in caught.value.detail


@pytest.mark.parametrize(
    ("expression", "variables"),
    [
        ("unhex(password)", {}),
        ("unbase64(password)", {}),
        ("aes_ecb(password, key)", {"key": "short"}),
        ("aes_cbc(password, key, iv)", {"key": "k" * 16, "iv": "short"}),
        ("rsa(password, key)", {"key": "not a key"}),
        ("rsa(password, n, e)", {"n": "xyz", "e": "10001"}),
        ("slice(password, salt, 3)", {"salt": "x"}),
    ],
)
def test_a_value_that_does_not_fit_is_refused_without_showing_it(expression: str, variables: dict[str, str]) -> None:
    with pytest.raises(ConnectorError) as caught:
        _apply(expression, "Topsecret!", **variables)
    assert caught.value.code == "ERR-TRANSFORM"
    assert "Topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_secret_stays_as_it_is_and_the_result_is_a_buffer_of_its_own() -> None:
    secret = bytearray(b"secret")
    result = compile_transform("plain").apply(secret, {})
    result[:] = b"\0" * len(result)
    assert secret == b"secret"


_PASSWORDS = st.text(max_size=40)


@given(_PASSWORDS, st.text(max_size=20))
def test_hashing_and_joining_agree_with_hashlib(password: str, salt: str) -> None:
    try:
        expected = _md5(_md5(password) + salt)
    except UnicodeEncodeError:
        return
    assert _apply("md5(md5(password) + salt)", password, salt=salt) == expected.encode()


@given(st.binary(max_size=60))
def test_encodings_come_back(secret: bytes) -> None:
    for expression in ("unhex(hex(password))", "unbase64(base64(password))"):
        assert bytes(compile_transform(expression).apply(bytearray(secret), {})) == secret


@given(st.text(alphabet="password+()'\", 0md5salthex_", max_size=40))
def test_any_text_compiles_or_is_refused_with_the_code(expression: str) -> None:
    with suppress(ConnectorError):
        assert "password" not in compile_transform(expression).variables


_EXPRESSIONS = st.recursive(
    st.sampled_from(["password", "salt", "'x'", '"&key="', "plain", "md5"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" + ".join),
        inner.map("({})".format),
        st.tuples(st.sampled_from(["md5", "sha1", "base64", "hex", "upper", "sm3"]), inner).map(
            "{0[0]}({0[1]})".format
        ),
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS)
def test_white_space_means_nothing(expression: str) -> None:
    full = f"password + {expression}"
    squeezed = full.replace(" ", "")
    assert _apply(full, "p", **_needed(full)) == _apply(squeezed, "p", **_needed(full))


def _needed(expression: str) -> dict[str, str]:
    return {"salt": "s"} if "salt" in compile_transform(expression).variables else {}


def test_every_function_is_described() -> None:
    from pathlib import Path

    described = Path("docs/recipes.md").read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f"`{name}" not in described] == []
