"""A lab of one's own: a PKI, users, hubs with their devices, as the two files that ``trustcell serve`` takes."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trustcell.adapters.keystore_file import write_private
from trustcell.app.lab_facts import AUTHORITY, LabFacts
from trustcell.stories import KeyPair
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import Clause, Eui64, KeyUsage, Refused, RemotePartyRole

LAB = Clause("trustcell lab", "docs/serve.md, a lab of one's own")
LAB_FILE, KEYS_FILE = "lab.json", "keys.json"
MOST_HUBS = 5_000
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_R = RemotePartyRole
_ORGANISATIONS, _HUBS = 0x70B3D51F3000_0000, 0x70B3D51F4000_0000


@dataclass(frozen=True, slots=True)
class _User:
    """A user of the lab: supplier or network operator."""

    name: str
    number: int
    role: RemotePartyRole
    roles: tuple[str, ...]


_USERS = (
    _User("supplier-a", 0x1000, _R.SUPPLIER, ("IS", "GS")),
    _User("supplier-b", 0x1001, _R.SUPPLIER, ("IS", "GS")),
    _User("operator-a", 0x2000, _R.NETWORK_OPERATOR, ("ED", "GT")),
    _User("operator-b", 0x2001, _R.NETWORK_OPERATOR, ("ED", "GT")),
)
_DCC = (
    ("recovery", 0x01, _R.RECOVERY),
    ("transitional_cos", 0x04, _R.TRANSITIONAL_COS),
    ("wan_provider", 0x07, _R.WAN_PROVIDER),
)
_BROKER = 0x02
_AUTHORITIES = ("LR", "L1")
"""Other names than a new home gives its own, so that a lab can be kept in one."""


def make_lab(folder: Path, hubs: int, now: datetime, random: Callable[[int], bytes]) -> tuple[Path, Path]:
    """Write the lab file and the key file into a folder, and give their paths; every private key is new.

    ``Refused``: ``lab_exists`` when there is one, ``lab_hubs`` for a number that cannot be.
    """
    if not 1 <= hubs <= MOST_HUBS:
        raise Refused([LAB.breach("lab_hubs", "hubs", f"{hubs} is not from 1 to {MOST_HUBS}", "another number")])
    lab, keys = folder / LAB_FILE, folder / KEYS_FILE
    if lab.exists() or keys.exists():
        raise Refused([LAB.breach("lab_exists", "folder", f"{folder} holds a lab already", "take another folder")])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = now.replace(microsecond=0)
    authority = Authority(random(32), now, _AUTHORITIES)
    pairs = dict(_pairs(authority))
    write_private(keys, _json([_entry(name, pair) for name, pair in pairs.items()]))
    write_private(lab, _json(_lab(authority, hubs, now)))
    return lab, keys


def _pairs(authority: Authority) -> Iterator[tuple[str, KeyPair]]:
    for user in _USERS:
        for use, role, usage in (("ds", user.role, _DS), ("ka", user.role, _KA), ("xml", _R.XML_SIGN, _DS)):
            name = f"{user.name}-{use}"
            yield name, authority.organisation(name, role, _eui(user.number), usage)
    for use, role, usage in (("ds", _R.ACCESS_CONTROL_BROKER, _DS), ("ka", _R.ACCESS_CONTROL_BROKER, _KA)):
        yield f"broker-{use}", authority.organisation(f"broker-{use}", role, _eui(_BROKER), usage)
    yield "dsp-xml", authority.organisation("dsp-xml", _R.DSP_XML_SIGN, _eui(_BROKER), _DS)
    for name, number, role in _DCC:
        yield f"{name}-ds", authority.organisation(name, role, _eui(number), _DS)


def _entry(name: str, pair: KeyPair) -> dict[str, Any]:
    certificate = pair.certificate
    return {
        "name": name,
        "eui64": bytes(certificate.entity_id or b"").hex(),
        "usage": certificate.key_usage.title,
        "role": certificate.role,
        "serial": str(certificate.serial),
        "certificate_der_b64": base64.b64encode(certificate.der).decode(),
        "private_scalar_hex": f"{pair.private_key.private_numbers().private_value:064x}",
    }


def _lab(authority: Authority, hubs: int, now: datetime) -> dict[str, Any]:
    root, issuing = authority.root, authority.issuing
    points = {str(each.subject.common_name): each.public_key_point for each in (root, issuing)}
    facts = LabFacts("lab", "a lab of its own", root.public_key_point, issuing.der, points, now, now)
    return {
        AUTHORITY: facts.as_json(),
        "users": [
            {
                "id": str(_eui(user.number)),
                "roles": list(user.roles),
                "xml_signing": f"{user.name}-xml",
                "digital_signature": f"{user.name}-ds",
                "key_agreement": f"{user.name}-ka",
            }
            for user in _USERS
        ],
        "dcc": {
            "access_control_broker": {
                "id": str(_eui(_BROKER)), "digital_signature": "broker-ds", "key_agreement": "broker-ka",
            },
            "xml_signing": "dsp-xml",
            **{name: {"id": str(_eui(number)), "digital_signature": f"{name}-ds"} for name, number, _ in _DCC},
        },
        "devices": [device for number in range(hubs) for device in _home(number)],
        "registrations": [
            {
                kind: point, "supplier": str(_eui(0x1000 + number % 2)),
                "network_operator": str(_eui(0x2000 + number % 2)),
            }
            for number in range(hubs)
            for kind, point in (("mpan", _mpan(number)), ("mprn", _mprn(number)))
        ],
    }  # fmt: skip


def _home(number: int) -> Iterator[dict[str, Any]]:
    """A hub with its GPF, an ESME and a GSME; regions and users take turns."""
    first = _HUBS + 16 * number
    hub, gpf, esme, gsme = (str(Eui64((first + place).to_bytes(8, "big"))) for place in range(4))
    slots = {"supplier": str(_eui(0x1000 + number % 2)), "networkOperator": str(_eui(0x2000 + number % 2))}
    slots["accessControlBroker"] = str(_eui(_BROKER))
    common = {"status": "Commissioned", "generation": "SMETS2"}
    region = "North" if number % 2 else "Central"
    yield {"id": hub, "type": "CHF", **common, "csp_region": region}
    yield {"id": gpf, "type": "GPF", **common, "hub": hub, "mprn": _mprn(number), "slots": slots}
    yield {"id": esme, "type": "ESME", **common, "hub": hub, "mpan": _mpan(number), "slots": slots}
    supplier = {name: held for name, held in slots.items() if name != "networkOperator"}
    yield {"id": gsme, "type": "GSME", **common, "hub": hub, "mprn": _mprn(number), "slots": supplier}


def _eui(number: int) -> Eui64:
    return Eui64((_ORGANISATIONS + number).to_bytes(8, "big"))


def _mpan(number: int) -> str:
    return f"13{number:011}"


def _mprn(number: int) -> str:
    return f"{2_000_000_000 + number}"


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
