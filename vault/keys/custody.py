"""Who holds the root keys: a custodian, always reached through the `keyring` interface, never through its own choice.

Merely installing another package can change which backend `keyring` picks, even to one that stores plaintext. So the
backend is built here, by name, from an allow-list.
"""

import base64
import binascii
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from core.logs import logger
from vault.errors import VaultError
from vault.keys.keyring_backends import CredentialKeyring, KeyFileKeyring

SERVICE = "yimen"
ROOT_KEY_BYTES = 32

# The stores of operating systems that keep secrets encrypted under the user's login. Nothing else is ever used.
_OS_BACKENDS: Sequence[tuple[str, str]] = (
    ("keyring.backends.macOS", "Keyring"),
    ("keyring.backends.Windows", "WinVaultKeyring"),
    ("keyring.backends.SecretService", "Keyring"),
    ("keyring.backends.libsecret", "Keyring"),
    ("keyring.backends.kwallet", "DBusKeyring"),
)

_log = logger("custody")


class Custodian(Protocol):
    """Keeps root keys by id. Every failure is ERR-CUSTODY with a sentence for the operator."""

    name: str
    writable: bool

    def read(self, key_id: str) -> bytearray: ...

    def write(self, key_id: str, key: bytes | bytearray) -> None: ...

    def offered(self) -> list[str]:
        """Ids of the keys that stand ready, oldest first, where the store can say so; else empty."""
        ...


class KeyringCustodian:
    """A custodian over one explicit keyring backend."""

    def __init__(self, backend: KeyringBackend, name: str, *, writable: bool) -> None:
        require_allowed(backend)
        self._backend = backend
        self.name = name
        self.writable = writable

    def read(self, key_id: str) -> bytearray:
        try:
            encoded = self._backend.get_password(SERVICE, key_id)
        except KeyringError as error:
            raise VaultError("ERR-CUSTODY", f"{self.name} does not answer: {type(error).__name__}") from None
        if encoded is None:
            raise VaultError("ERR-CUSTODY", f"{self.name} does not hold the root key {key_id}; restore it")
        try:
            key = bytearray(base64.b64decode(encoded, validate=True))
        except (binascii.Error, ValueError):
            key = bytearray()
        if len(key) != ROOT_KEY_BYTES:
            raise VaultError("ERR-CUSTODY", f"root key {key_id} in {self.name} is not 32 bytes in base64")
        return key

    def write(self, key_id: str, key: bytes | bytearray) -> None:
        if not self.writable:
            raise VaultError("ERR-CUSTODY", f"{self.name} is read-only: put the new root key there yourself")
        try:
            self._backend.set_password(SERVICE, key_id, base64.b64encode(key).decode())
        except KeyringError as error:
            raise VaultError("ERR-CUSTODY", f"{self.name} cannot keep a key: {type(error).__name__}") from None

    def offered(self) -> list[str]:
        if isinstance(self._backend, KeyFileKeyring | CredentialKeyring):
            return self._backend.names()
        return []


def require_allowed(backend: KeyringBackend) -> None:
    """Refuses every backend that is not ours or on the allow-list: plaintext files, `null`, `fail`, chains."""
    kind = type(backend)
    allowed = {KeyFileKeyring, CredentialKeyring}
    if kind not in allowed and (kind.__module__, kind.__name__) not in _OS_BACKENDS:
        raise VaultError(
            "ERR-CUSTODY",
            f"the keyring backend {kind.__module__}.{kind.__name__} is not allowed: it may keep keys in the clear. "
            "Set YIMEN_CUSTODIAN to os, keyfile or credential",
        )


def open_custodian(
    kind: Literal["auto", "os", "keyfile", "credential"], *, key_file: Path, credential_dir: Path | None
) -> KeyringCustodian:
    """The custodian of the settings.

    `auto` is predictable: the credential directory if one is given, but an existing key file where no root key is in
    that directory (systemd gives one to a service with any credential); without a directory the key file if it exists,
    else the keyring of the operating system if there is one that works, else a new key file.
    """
    if kind == "credential" and credential_dir is None:
        raise VaultError("ERR-CUSTODY", "YIMEN_CREDENTIAL_DIR is not set and systemd gave no credentials")
    if kind in ("auto", "credential") and credential_dir is not None:
        credentials = CredentialKeyring(credential_dir)
        if kind == "credential" or credentials.names() or not key_file.exists():
            return KeyringCustodian(credentials, f"credentials in {credential_dir}", writable=False)
    if kind == "os" or (kind == "auto" and not key_file.exists()):
        backend = _os_backend()
        if backend is not None:
            return KeyringCustodian(backend, f"OS keyring ({type(backend).__module__.split('.')[-1]})", writable=True)
        if kind == "os":
            raise VaultError("ERR-CUSTODY", "this machine has no keyring of its own that Yimen may use; use keyfile")
    return KeyringCustodian(KeyFileKeyring(key_file), f"key file {key_file}", writable=True)


def _os_backend() -> KeyringBackend | None:
    for module, name in _OS_BACKENDS:
        try:
            kind = getattr(importlib.import_module(module), name)
            # A backend's priority raises where its store is absent.
            if kind.priority > 0:
                return kind()  # type: ignore[no-any-return]
        except Exception as error:  # third-party probes fail in every way there is; absence is the ordinary case
            _log.debug("a keyring is not available", backend=module, error=type(error).__name__)
    return None
