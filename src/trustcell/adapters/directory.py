"""The directory of parties over the SMKI Repository: read again when something was written there."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell.adapters.parties import KEYS_KEPT, CertificateDirectory, Defaults
from trustcell.certs import Certificate
from trustcell.dsp import Occupant, Reference, User, XmlSigner
from trustcell.smki.rules.records import Family, Query, Status
from trustcell.smki.service.repository import Repository
from trustcell.vocab import DeviceType, Eui64, KeyUsage, WireError

LOOK_AGAIN = timedelta(seconds=1)
"""How long what was read may be old."""

_GIVEN_OUT = frozenset({Status.IN_USE, Status.NOT_IN_USE, Status.EXPIRED})
"""Expired ones count: they stay in slots, and are a warning, never a block (smki.md 4.4)."""


class RepositoryDirectory:
    """See ``dsp.Directory``: organisations in memory, devices by search, users as ``users`` has them now."""

    def __init__(
        self,
        repository: Repository,
        users: Callable[[], Mapping[Eui64, User]],
        callbacks: Callable[[], Mapping[Eui64, str]],
        clock: Callable[[], datetime],
        defaults: Defaults | None = None,
    ) -> None:
        """Reads nothing yet. ``clock`` is that of the repository, ``defaults`` are what devices are made with."""
        self._defaults = defaults
        self._repository = repository
        self._users, self._callbacks, self._clock = users, callbacks, clock
        self._read_at: datetime | None = None
        self._head: int | None = None
        self._organisations = CertificateDirectory((), {})
        self._devices = lru_cache(KEYS_KEPT)(self._search_device)

    def user(self, entity: Eui64) -> User | None:
        """See ``Directory.user``."""
        return self._users().get(entity)

    def callback(self, entity: Eui64) -> str | None:
        """See ``Directory.callback``."""
        return self._callbacks().get(entity)

    def signing_keys(self, entity: Eui64, key_id: bytes | None) -> Sequence[ec.EllipticCurvePublicKey]:
        """See ``Directory.signing_keys``."""
        return self._current().signing_keys(entity, key_id)

    def holders(self, entity: Eui64) -> Collection[Occupant]:
        """See ``Directory.holders``."""
        return self._current().holders(entity)

    def xml_signer(self, issuer_name: str, serial: int) -> XmlSigner | None:
        """See ``Directory.xml_signer``."""
        return self._current().xml_signer(issuer_name, serial)

    def device_points(self, device: Eui64) -> tuple[bytes | None, bytes | None]:
        """See ``Directory.device_points``."""
        self._current()
        found = self._devices(device)
        signing, agreement = found.get(KeyUsage.DIGITAL_SIGNATURE), found.get(KeyUsage.KEY_AGREEMENT)
        return (
            signing.public_key_point if signing is not None else None,
            agreement.public_key_point if agreement is not None else None,
        )

    def reference(self, device_type: DeviceType) -> Reference:
        """See ``Directory.reference``."""
        return self._current().reference(device_type)

    def agreement_certificate(self, device: Eui64) -> bytes | None:
        """See ``Directory.agreement_certificate``."""
        self._current()
        found = self._devices(device).get(KeyUsage.KEY_AGREEMENT)
        return found.der if found is not None else None

    def key(self, point: bytes) -> ec.EllipticCurvePublicKey:
        """See ``Directory.key``."""
        return self._organisations.key(point)

    def _current(self) -> CertificateDirectory:
        now = self._clock()
        if self._read_at is None or abs(now - self._read_at) >= LOOK_AGAIN:
            head = self._repository.head()
            seq = 0 if head is None else head.seq
            if seq != self._head:
                self._organisations = CertificateDirectory(self._read(now), {}, defaults=self._defaults)
                self._devices.cache_clear()
                self._head = seq
            self._read_at = now
        return self._organisations

    def _read(self, now: datetime) -> Iterator[Certificate]:
        for record in self._repository.search(Query(family=Family.ORGANISATION), now).records:
            if record.status(now) in _GIVEN_OUT and record.entity_id is not None:
                try:
                    yield Certificate.from_der(record.der)
                except WireError:
                    continue  # verify-all names it

    def _search_device(self, device: Eui64) -> Mapping[KeyUsage, Certificate]:
        now = self._clock()
        query = Query(entity_id=device, family=Family.DEVICE, status=Status.IN_USE)
        found = (Certificate.from_der(record.der) for record in self._repository.search(query, now).records)
        return {certificate.key_usage: certificate for certificate in found}
