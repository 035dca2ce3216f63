"""Certification paths from a replacement certificate to the root cell, each found path remembered while it is valid."""

from datetime import datetime

from trustcell.certs import Certificate, TrustAnchor, validate_path
from trustcell.devices.cells import CellOccupant
from trustcell.vocab import TrustcellError

_Key = tuple[bytes, tuple[bytes, ...], CellOccupant]
_Window = tuple[datetime, datetime]


class PathMemory:
    """Paths found before, at most ``limit``: what held at one time holds wherever all its certificates are valid.

    Only success is remembered, with its octets as the key, so an answer never differs from a fresh search.
    """

    __slots__ = ("_limit", "_timeless", "_windows")

    def __init__(self, limit: int) -> None:
        """Empty; full memory is emptied as a whole."""
        self._limit = limit
        self._windows: dict[_Key, _Window] = {}
        self._timeless: set[_Key] = set()

    def holds(
        self,
        leaf: Certificate,
        intermediates: tuple[Certificate, ...],
        root: CellOccupant,
        root_certificate: Certificate | None,
        now: datetime | None,
    ) -> bool:
        """Whether a path leads to the root; without ``now`` validity periods are not looked at."""
        key = (leaf.der, tuple(certificate.der for certificate in intermediates), root)
        window = self._windows.get(key)
        if key in self._timeless if now is None else window is not None and window[0] <= now <= window[1]:
            return True
        anchor = TrustAnchor(root.point, root.key_id, root_certificate.subject if root_certificate else None)
        try:
            path = validate_path(leaf, intermediates, (anchor,), now or leaf.not_before, check_time=now is not None)
        except TrustcellError:
            return False
        if len(self._windows) + len(self._timeless) >= self._limit:
            self._windows.clear()
            self._timeless.clear()
        if now is None:
            self._timeless.add(key)
        else:
            links = path.certificates
            self._windows[key] = (max(c.not_before for c in links), min(c.not_after for c in links))
        return True
