"""One digest over many items, of which each can be proven by itself: a hash tree as in RFC 6962 2.1."""

from collections.abc import Sequence
from hashlib import sha256


def root_of(items: Sequence[bytes]) -> str:
    """The root (hex) over the octets of the items, in their order; that of no items is the hash of nothing."""
    return (_levels(items)[-1][0] if items else sha256(b"").digest()).hex()


def path_of(items: Sequence[bytes], number: int) -> list[str]:
    """What has to be hashed together with item ``number`` (from 1), level by level, to come to the root."""
    place, found = number - 1, []
    for level in _levels(items)[:-1]:
        beside = place ^ 1
        if beside < len(level):
            found.append(level[beside].hex())
        place //= 2
    return found


def _levels(items: Sequence[bytes]) -> list[list[bytes]]:
    """From the leaves to the root; the last of an odd number goes up as it is."""
    levels = [[sha256(b"\x00" + item).digest() for item in items]]
    while len(levels[-1]) > 1:
        here = levels[-1]
        pairs = [sha256(b"\x01" + here[at] + here[at + 1]).digest() for at in range(0, len(here) - 1, 2)]
        levels.append(pairs if len(here) % 2 == 0 else [*pairs, here[-1]])
    return levels
