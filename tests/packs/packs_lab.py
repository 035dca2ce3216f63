"""Two authorities made from seeds, and packs of their certificates: the first of 2016, and one over the same keys."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import certs, gbcs
from trustcell.packs.rules.pack import Generation, Pack, fill
from trustcell.stories.hierarchy import POLICY, Authority
from trustcell.vocab import Eui64, KeyUsage, RemotePartyRole

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
ROLES = RemotePartyRole
MADE = datetime(2017, 10, 1, 12, tzinfo=UTC)
PARTIES = (
    ("recovery", ROLES.RECOVERY, 1, DS),
    ("broker ds", ROLES.ACCESS_CONTROL_BROKER, 2, DS),
    ("broker ka", ROLES.ACCESS_CONTROL_BROKER, 2, KA),
    ("cos", ROLES.TRANSITIONAL_COS, 4, DS),
    ("wan", ROLES.WAN_PROVIDER, 7, DS),
)


def eui(number: int) -> Eui64:
    return Eui64(bytes.fromhex("70b3d51f30") + number.to_bytes(3, "big"))


class Lab:
    """One authority; ``first`` are its certificates of 2016, ``again`` the same keys with later dates."""

    def __init__(self, seed: bytes = b"packs") -> None:
        self.authority = Authority(seed, MADE)
        self.pairs = {
            label: self.authority.organisation(label, role, eui(number), usage)
            for label, role, number, usage in PARTIES
        }
        self.first = [pair.certificate for pair in self.pairs.values()]
        self.again = [self.reissued(label) for label in self.pairs]

    def reissued(
        self, label: str, until: datetime = datetime(2040, 12, 31, 23, 59, 59, tzinfo=UTC), key: str = ""
    ) -> certs.Certificate:
        """The certificate ``label`` again over the same key (or another), from 2024 until the issuing OCA ends."""
        _, role, number, usage = next(party for party in PARTIES if party[0] == label)
        point = self.pairs[label].certificate.public_key_point
        if key:
            point = self.authority.organisation(key, role, eui(number), usage).certificate.public_key_point
        issuing = self.authority.issuing
        serial = hashlib.sha256(label.encode() + until.isoformat().encode() + key.encode()).digest()[:15]
        template = certs.OrganisationTemplate(
            int.from_bytes(b"\x11" + serial, "big"),
            issuing.subject,
            datetime(2024, 3, 1, tzinfo=UTC),
            until,
            role,
            eui(number),
            usage,
            point,
            POLICY,
            issuing.subject_key_identifier or b"",
        )
        return certs.issue(template, lambda octets: gbcs.sign(self.issuing_key, octets))

    @property
    def issuing_key(self) -> ec.EllipticCurvePrivateKey:
        return self.authority._issuing_key

    def generation(self, name: str, certificates: list[certs.Certificate]) -> Generation:
        return fill(name, self.authority.root, certificates)

    def pack(self, *generations: Generation, version: int = 1, made: datetime = MADE) -> Pack:
        return Pack(
            "dcc", version, "lab", made, made, self.authority.root, (self.authority.issuing,), tuple(generations)
        )

    def old(self) -> Pack:
        return self.pack(self.generation("2016", self.first))

    def new(self) -> Pack:
        made = datetime(2024, 3, 2, 12, tzinfo=UTC)
        return self.pack(self.generation("2024", self.again), version=2, made=made)


def changed(pack: Pack, **fields: object) -> Pack:
    return replace(pack, **fields)  # type: ignore[arg-type]
