"""The archive of organisation certificates and keys that builders of key stores fetch from a lab."""

import io
import re
import zipfile
from collections.abc import Iterable

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trustcell.adapters.keyfiles import Credential

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_MOMENT = (1980, 1, 1, 0, 0, 0)


def key_archive(credentials: Iterable[Credential]) -> bytes:
    """A zip with ``org-certs/cert/NAME.pem`` and ``org-certs/key/NAME.key`` (PKCS#8) for each pair that has a name.

    Only organisations: certificates with a role; of two with one name the first. The same credentials give the same
    octets.
    """
    archive = io.BytesIO()
    names: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for credential in credentials:
            certificate, private, name = credential.certificate, credential.key.private_key, credential.key.name
            if certificate is None or private is None or certificate.role is None or not _NAME.fullmatch(name):
                continue
            if name in names:
                continue
            names.add(name)
            pem = certificate.x509.public_bytes(Encoding.PEM)
            key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            for path, octets in ((f"org-certs/cert/{name}.pem", pem), (f"org-certs/key/{name}.key", key)):
                entry = zipfile.ZipInfo(path, _MOMENT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(entry, octets)
    return archive.getvalue()
