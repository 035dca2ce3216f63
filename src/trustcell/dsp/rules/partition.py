"""Where a device's books are kept: the unit of placement when the work is divided over workers (scale.md 3)."""

import hashlib

from trustcell.vocab import Eui64

PARTITIONS = 1024


def partition(eui: Eui64) -> int:
    """0 to 1,023: the first ten bits of SHA-256 over the eight octets. Never changes."""
    digest = hashlib.sha256(eui).digest()
    return digest[0] << 2 | digest[1] >> 6
