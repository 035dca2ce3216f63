"""The clock and the random source of the machine: the only places where they are read."""

import os
from datetime import UTC, datetime


def system_now() -> datetime:
    """Now in UTC, whole seconds, as certificates and records have it."""
    return datetime.now(UTC).replace(microsecond=0)


def system_now_exact() -> datetime:
    """Now in UTC to the microsecond, for whoever counts in milliseconds."""
    return datetime.now(UTC)


def system_random(size: int) -> bytes:
    """So many octets from the operating system's generator."""
    return os.urandom(size)
