"""What takes long and no test is about: made once for all tests of a worker, or as cheap as it can be."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any

import pytest
from joserfc.jwk import RSAKey

import sso.authentication.passwords
import sso.oidc.keys
from sso.authentication.passwords import Cost

# What argon2 takes at the least.
LEAST = Cost(passes=1, kibibytes=8, lanes=1)
REAL = sso.authentication.passwords.COST
# A key is followed by another one, as in a rotation.
_DIFFERENT_KEYS = 3


class FewRsaKeys:
    """The provider's RSA keys: one takes 80 ms to make, and 50 to read."""

    _made = count()

    @classmethod
    def generate_key(cls, bits: int) -> RSAKey:
        return _key(bits, next(cls._made) % _DIFFERENT_KEYS)

    @staticmethod
    def import_key(members: dict[str, Any]) -> RSAKey:
        return _read(json.dumps({name: value for name, value in members.items() if name != "kid"}))


@cache
def _key(bits: int, number: int) -> RSAKey:
    return RSAKey.generate_key(bits)


@cache
def _read(members: str) -> RSAKey:
    return RSAKey.import_key(json.loads(members))


@contextmanager
def lowered() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sso.authentication.passwords, "COST", LEAST)
        patch.setattr(sso.oidc.keys, "RSAKey", FewRsaKeys)
        yield
