"""How the books name things: EUI-64, request IDs, numbers of eight octets, cells."""

from hashlib import sha256
from typing import Any

Key = tuple[str, str, int]
"""Originator, device, counter."""


def eui(octets: bytes | str) -> str:
    """An EUI-64 in its one form, from octets or from text with or without dashes."""
    text = octets.replace("-", "") if isinstance(octets, str) else bytes(octets).hex()
    text = text.upper()
    return "-".join(text[at : at + 2] for at in range(0, len(text), 2))


def number(octets: bytes) -> int:
    """Eight octets, big-endian."""
    return int.from_bytes(octets, "big")


def key_of(originator: bytes, device: bytes, counter: bytes) -> Key:
    """A key from three columns."""
    return eui(originator), eui(device), number(counter)


def key_in(text: str) -> Key:
    """A key from ``originator:device:counter``; ``ValueError`` for anything else."""
    originator, device, counter = text.split(":")
    return eui(originator), eui(device), int(counter)


def text_of(key: Key) -> str:
    """``originator:device:counter``."""
    return ":".join(map(str, key))


def digest(octets: Any) -> str:
    """SHA-256 in hex."""
    return sha256(bytes(octets)).hexdigest()


def cell_text(cell: int) -> str:
    """A cell as role, key usage and cell usage."""
    return f"role {cell >> 24} usage {cell >> 8 & 0xFFFF:04x} kind {cell & 0xFF}"
