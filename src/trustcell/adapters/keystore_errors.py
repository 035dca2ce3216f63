"""What both keystores say when they cannot do what is asked; never with a PIN or a key in it."""

import re

from trustcell.vocab import Clause, Refused, Unavailable

_MODULE = Clause("SEC Appendix B 6.2", "Organisation Certificate Policy: cryptographic modules (recalled, smki.md 3.9)")
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def checked_label(label: str) -> str:
    """The label; ``ValueError`` unless it is short, plain and no path."""
    if not _LABEL.fullmatch(label):
        raise ValueError(f"a key label has 1 to 63 of a-z, 0-9, dot, dash, underscore: {label!r}")
    return label


def label_in_use(label: str) -> Refused:
    """A key is never overwritten."""
    message = f"the keystore has a key {label} already"
    return Refused([_MODULE.breach("key_label_in_use", "label", message, "another label")])


def no_key(label: str) -> Unavailable:
    """There is no such key."""
    return Unavailable(f"the keystore has no key {label} [key_missing]")


def wrong_pin() -> Unavailable:
    """The PIN does not open the keystore."""
    return Unavailable("the keystore does not open with this PIN [keystore_pin]")
