"""The user table of one legacy system, with its lock after five failures and its own log of attempts."""

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

MAX_FAILURES = 5
LOCK_SECONDS = 600


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOCKED = "locked"
    CAPTCHA = "captcha"


@dataclass
class Account:
    """Legacy systems keep passwords readable, which is one reason why Yimen is needed."""

    login: str
    name: str
    password: str = field(repr=False)
    failures: int = 0
    locked_until: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """What reached the server in one sign-in: `secret` is the value as it arrived, hashed or not."""

    login: str
    secret: str = field(repr=False)
    outcome: Outcome


class Accounts:
    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self.attempts: list[Attempt] = []

    def add(self, login: str, name: str, password: str) -> Account:
        self._accounts[login] = account = Account(login, name, password)
        return account

    def find(self, login: str) -> Account | None:
        return self._accounts.get(login)

    def sign_in(
        self, login: str, secret: str, expected: Callable[[str], str] = lambda password: password
    ) -> tuple[Outcome, Account | None]:
        """Compares `secret` with what `expected` makes of the stored password, counts, and remembers the attempt."""
        account = self._accounts.get(login)
        right = account is not None and hmac.compare_digest(
            expected(account.password).encode(), secret.encode(errors="surrogateescape")
        )
        return self.settle(login, secret, right=right)

    def settle(self, login: str, secret: str, *, right: bool) -> tuple[Outcome, Account | None]:
        """The same where somebody else has compared: a framework with password hashes of its own."""
        account = self._accounts.get(login)
        outcome = Outcome.REFUSED if account is None else _count(account, right)
        self.attempts.append(Attempt(login, secret, outcome))
        return outcome, account if outcome is Outcome.ACCEPTED else None

    def note_wrong_captcha(self, login: str, secret: str) -> None:
        self.attempts.append(Attempt(login, secret, Outcome.CAPTCHA))

    def tries_left(self, login: str) -> int:
        account = self._accounts.get(login)
        return MAX_FAILURES - (account.failures if account else 1)


def _count(account: Account, right: bool) -> Outcome:
    if account.locked_until > time.monotonic():
        return Outcome.LOCKED
    if right:
        account.failures = 0
        return Outcome.ACCEPTED
    account.failures += 1
    if account.failures < MAX_FAILURES:
        return Outcome.REFUSED
    account.failures = 0
    account.locked_until = time.monotonic() + LOCK_SECONDS
    return Outcome.LOCKED
