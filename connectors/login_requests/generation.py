"""The generation of a system's login: since when passwords go where they go.

A new one begins when the system's origins change, and when its recipe leads the login to another request. What was
known of the login before, and every account that was sealed before, is of an older generation and opens nothing: a
login request of then that somebody puts back is no place for a password of now.
"""

from dataclasses import dataclass

_MARK = " login:"


@dataclass(frozen=True)
class Login:
    """The login of a system in one generation. None only for a system that an upgrade found changed by somebody."""

    system_id: str
    generation: str | None


def destination_of(origins: str, generation: str | None) -> str:
    """Where passwords may go, as the vault seals them: exact origins, and the generation of the login there."""
    return f"{origins}{_MARK}{generation}" if origins and generation is not None else origins


def origins_of(destination: str) -> str:
    """The origins of a destination, whatever the generation."""
    return destination.partition(_MARK)[0]
