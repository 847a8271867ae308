"""What tests know of a person's account in a system."""

from demo.legacy.accounts import Account
from demo.legacy.people import CADRE
from demo.legacy.system import LegacySystem


def account_of(system: LegacySystem) -> Account:
    """The cadre's account."""
    account = system.accounts.find(system.login_of(CADRE))
    assert account is not None
    return account
