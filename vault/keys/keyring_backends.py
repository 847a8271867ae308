"""Two keyring backends of our own: a 0600 key file, and a directory of mounted credentials."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from vault.errors import VaultError

_MAX_BYTES = 64 * 1024
_CREDENTIAL_PREFIX = "root-"


class KeyFileKeyring(KeyringBackend):
    """Keys in one JSON file that only its owner may read.

    A new content is written beside it, synced and renamed over it, so a power cut leaves the old or the new file.
    """

    priority = 0.0  # never chosen by keyring itself

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._path = path

    def names(self) -> list[str]:
        return list(self._load())

    def get_password(self, service: str, username: str) -> str | None:
        return self._load().get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        with self._locked():
            self._store({**self._load(), username: password})

    def delete_password(self, service: str, username: str) -> None:
        with self._locked():
            keys = self._load()
            if keys.pop(username, None) is None:
                raise PasswordDeleteError(username)
            self._store(keys)

    def _load(self) -> dict[str, str]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise VaultError("ERR-CUSTODY", f"{self._path}: {error.strerror}") from None
        with open(descriptor, encoding="utf-8") as file:
            require_private(self._path, os.fstat(descriptor))
            try:
                keys = json.loads(file.read(_MAX_BYTES))["keys"]
                return {str(name): str(value) for name, value in keys.items()}
            except (ValueError, KeyError, TypeError, AttributeError):
                raise VaultError("ERR-CUSTODY", f"{self._path} is not a key file") from None

    def _store(self, keys: dict[str, str]) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump({"format": "yimen-root-keys/1", "keys": keys}, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
            sync_directory(self._path.parent)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise VaultError("ERR-CUSTODY", f"{self._path}: {error.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, across processes."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise VaultError("ERR-CUSTODY", f"{self._path}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class CredentialKeyring(KeyringBackend):
    """A read-only directory with one file a key: `$CREDENTIALS_DIRECTORY` of systemd, or a mounted Kubernetes Secret.

    The file's name is the key's id; its content 32 bytes in base64 (`openssl rand -base64 32`). Only files `root-*` are
    taken: other secrets may stand beside them. Names count in their order, the last one being the newest, e.g.
    `root-2026-11-23`.
    """

    priority = 0.0

    def __init__(self, directory: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._directory = directory
        if not directory.is_dir():
            raise VaultError("ERR-CUSTODY", f"{directory} is not a directory")

    def names(self) -> list[str]:
        return sorted(path.name for path in self._directory.glob(f"{_CREDENTIAL_PREFIX}*") if path.is_file())

    def get_password(self, service: str, username: str) -> str | None:
        if "/" in username or not username.startswith(_CREDENTIAL_PREFIX):
            return None
        path = self._directory / username
        try:
            with open(path, encoding="ascii") as file:
                require_private(path, os.fstat(file.fileno()), group_may_read=True)
                return file.read(_MAX_BYTES).strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise VaultError("ERR-CUSTODY", f"{path}: {type(error).__name__}") from None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise VaultError("ERR-CUSTODY", f"{self._directory} is read-only")

    def delete_password(self, service: str, username: str) -> None:
        raise VaultError("ERR-CUSTODY", f"{self._directory} is read-only")


def require_private(path: Path, status: os.stat_result, *, group_may_read: bool = False) -> None:
    """Refuses a key that others can read or write.

    A Kubernetes Secret is mounted with the pod's own group (fsGroup, mode 0440), so there the group may read.
    """
    forbidden = stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if group_may_read else stat.S_IRWXG)
    if status.st_mode & forbidden:
        mode = stat.S_IMODE(status.st_mode)
        raise VaultError("ERR-CUSTODY", f"{path} has mode {mode:04o} and can be read by others; chmod 600 it")
    if status.st_uid not in (os.geteuid(), 0):
        raise VaultError("ERR-CUSTODY", f"{path} belongs to another user")


def sync_directory(directory: Path) -> None:
    """Makes a new or renamed file of the folder survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
