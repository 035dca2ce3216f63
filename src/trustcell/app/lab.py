"""A cast from a lab file and a key file: the public ZAZ1 identities with their real certificates."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trustcell import certs
from trustcell.adapters.keyfiles import KeyFile
from trustcell.app.lab_facts import facts_in
from trustcell.devices import CellOccupant
from trustcell.stories import Actor, Cast, KeyPair
from trustcell.vocab import Eui64, WireError


def lab_cast(lab_path: Path, keys: KeyFile, seed: bytes) -> Cast:
    """The cast of a lab; it has one network operator, so the same one leaves and returns.

    Raises ``WireError`` naming the field of the lab file that is missing or the credential the key file lacks.
    """
    lab = read_lab(lab_path)
    facts = facts_in(lab, str(lab_path))
    root = facts.root
    try:
        dcc, users = lab["dcc"], lab["users"]
        operator = _user(users, "GT", "Network Operator", keys)
        broker = dcc["access_control_broker"]
        others = ("recovery", "transitional_cos", "wan_provider")
        return Cast(
            facts.title,
            facts.begins or facts.certificates_at,
            CellOccupant.root(certs.method2_ski(root), root),
            certs.Certificate.from_der(facts.issuing),
            _actor("Access Control Broker", {**broker, "xml_signing": dcc["xml_signing"]}, keys),
            _user(users, "GS", "Supplier", keys),
            operator,
            operator,
            tuple(key_pair(keys, dcc[party]["digital_signature"]).certificate for party in others),
            Eui64.parse(next(device["id"] for device in lab["devices"] if device["type"] == "GPF")),
            seed,
        )
    except (KeyError, TypeError, AttributeError, StopIteration, ValueError) as error:
        field = error.args[0] if isinstance(error, KeyError) else "lab"
        reason = "the field is missing" if isinstance(error, KeyError) else f"a lab file was expected: {error}"
        raise WireError(-1, f"{lab_path}: {field}", reason, "lab_format") from None


def read_lab(path: Path) -> Mapping[str, Any]:
    """The object in a lab file; ``WireError`` (``lab_missing``, ``lab_format``) when there is none."""
    try:
        lab = json.loads(path.read_bytes())
    except OSError as error:
        raise WireError(-1, str(path), f"the lab file cannot be read: {error.strerror}", "lab_missing") from None
    except (ValueError, RecursionError) as error:
        raise WireError(-1, str(path), f"a JSON lab file was expected: {error}", "lab_format") from None
    if not isinstance(lab, dict):
        raise WireError(-1, str(path), "a JSON object was expected", "lab_format")
    return lab


def _user(users: list[Mapping[str, Any]], role: str, title: str, keys: KeyFile) -> Actor:
    """The first user with a role of the request matrix."""
    for user in users:
        if role in user["roles"]:
            return _actor(title, user, keys)
    raise WireError(-1, "users", f"a user with the role {role} was expected", "lab_format")


def _actor(title: str, entry: Mapping[str, Any], keys: KeyFile) -> Actor:
    return Actor(
        title,
        Eui64.parse(entry["id"]),
        key_pair(keys, entry["digital_signature"]),
        key_pair(keys, entry["key_agreement"]),
        key_pair(keys, entry["xml_signing"]),
    )


def key_pair(keys: KeyFile, name: str) -> KeyPair:
    """A certificate with its private key; ``WireError`` when the key file has not both under this name."""
    credential = keys.named(name)
    if credential.certificate is None or credential.key.private_key is None:
        raise WireError(-1, name, "a certificate with its private key was expected in the key file", "key_file_name")
    return KeyPair(credential.certificate, credential.key.private_key)
