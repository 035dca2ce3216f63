"""Making a CSR for a party: a key file of its own, and the request signed with it."""

from pathlib import Path

from trustcell import certs
from trustcell.adapters.subscriber_keys import subscriber_key
from trustcell.vocab import Eui64, KeyUsage


def make_csr(key_file: Path, role: int, entity: Eui64, usage: KeyUsage, common_name: str | None) -> bytes:
    """The DER of a request for an Organisation Certificate; the key is made if its file is not there."""
    key = subscriber_key(key_file)
    return certs.organisation_csr(role, entity, usage, key.point, key.sign, common_name)
