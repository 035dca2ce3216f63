"""Keys in files: PKCS#8, one file a label, encrypted under a PIN that scrypt has made slow to guess (RFC 7914).

``keystore.json`` holds the parameters of scrypt and a value that tells a wrong PIN. The PKCS#8 password is what scrypt
gives, because the PBKDF2 inside PKCS#8 runs too few rounds for a short PIN.
"""

import hmac
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InternalError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from trustcell.adapters.clock import system_random
from trustcell.adapters.keystore_errors import checked_label, label_in_use, no_key, wrong_pin
from trustcell.smki.ports import KeyKind
from trustcell.vocab import Unavailable

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_HEADER = "keystore.json"
_ENDING = ".key"
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_WORK = 2**15
"""scrypt N: with r 8 it takes 32 MiB and about 0.1 s a guess."""


class FileSigner:
    """One private key in memory. It has no representation but its label."""

    __slots__ = ("_key", "kind", "label", "public_key")
    deterministic = True

    def __init__(self, label: str, key: PrivateKey) -> None:
        """``key`` is P-256 or RSA 2048."""
        self.label = label
        self.kind = KeyKind.RSA2048 if isinstance(key, rsa.RSAPrivateKey) else KeyKind.P256
        self.public_key = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._key = key

    def sign(self, octets: bytes) -> bytes:
        """r||s of deterministic ECDSA (RFC 6979), or PKCS#1 v1.5; SHA-256 in both."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        der = self._key.sign(octets, _DETERMINISTIC)
        # Ours and strict: SEQUENCE of two INTEGERs, every length one octet; a sign octet or short number is settled.
        middle = 4 + der[3]
        return der[4:middle][-32:].rjust(32, b"\0") + der[middle + 2 :][-32:].rjust(32, b"\0")

    def __repr__(self) -> str:
        """Without the key."""
        return f"FileSigner({self.label!r}, {self.kind.value})"

    def __reduce__(self) -> str:
        """A key is not pickled."""
        raise TypeError("a private key is not copied out of its keystore")


class FileKeystore:
    """A folder of encrypted keys, files 0600 in a folder 0700; written whole or not at all."""

    def __init__(self, folder: Path, pin: str, *, work: int | None = None) -> None:
        """Open the folder, or make it; ``Unavailable`` for a wrong PIN. ``work`` is scrypt's N for a new one."""
        if not pin:
            raise Unavailable("a keystore needs a PIN [keystore_pin_missing]")
        self._folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, FileSigner] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._password = self._open(pin, work or _WORK)
        except OSError as error:
            raise Unavailable(f"the keystore {folder} cannot be opened: {error.strerror}") from None

    def __repr__(self) -> str:
        """Without PIN or password."""
        return f"FileKeystore({str(self._folder)!r})"

    def generate(self, label: str, kind: KeyKind) -> FileSigner:
        """Make a key under a label; ``Refused`` (``key_label_in_use``) when there is one."""
        return self.keep(label, new_key(kind))

    def keep(self, label: str, key: PrivateKey) -> FileSigner:
        """Put a key made elsewhere under a label, for a person who brings one; refused as ``generate``."""
        path = self._path(label)
        octets = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self._password),
        )
        with self._lock:
            try:
                _create(path, octets)
            except FileExistsError:
                raise label_in_use(label) from None
            except OSError as error:
                raise Unavailable(f"the key {label} cannot be written: {error.strerror}") from None
            self._known[label] = FileSigner(label, key)
            return self._known[label]

    def signer(self, label: str) -> FileSigner:
        """The key with this label; ``Unavailable`` when there is none."""
        path = self._path(label)
        with self._lock:
            if label not in self._known:
                self._known[label] = FileSigner(label, self._read(path, label))
            return self._known[label]

    def labels(self) -> list[str]:
        """The labels of all keys."""
        return sorted(path.name.removesuffix(_ENDING) for path in self._folder.glob(f"*{_ENDING}"))

    def _path(self, label: str) -> Path:
        return self._folder / (checked_label(label) + _ENDING)

    def _read(self, path: Path, label: str) -> PrivateKey:
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), self._password)
        except FileNotFoundError:
            raise no_key(label) from None
        except OSError as error:
            raise Unavailable(f"the key {label} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, InternalError):
            raise Unavailable(f"the key {label} is damaged or of another keystore [key_unreadable]") from None
        if isinstance(key, rsa.RSAPrivateKey) or (
            isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
        ):
            return key
        raise Unavailable(f"the key {label} is neither P-256 nor RSA [key_unreadable]")

    def _open(self, pin: str, work: int) -> bytes:
        path = self._folder / _HEADER
        if not path.exists():
            salt = system_random(16)
            password, check = _stretched(pin, salt, work)
            header = {"kdf": "scrypt", "n": work, "r": 8, "p": 1, "salt": salt.hex(), "check": check}
            with suppress(FileExistsError):  # another process was first: its header counts
                _create(path, json.dumps(header).encode())
        try:
            header = json.loads(path.read_bytes())
            password, check = _stretched(pin, bytes.fromhex(header["salt"]), int(header["n"]))
            expected = str(header["check"])
        except (ValueError, KeyError, TypeError, MemoryError):
            raise Unavailable(f"{path} is no header of a keystore [keystore_damaged]") from None
        if not hmac.compare_digest(check, expected):
            raise wrong_pin()
        return password


def new_key(kind: KeyKind) -> PrivateKey:
    """A new private key from the machine's generator."""
    if kind is KeyKind.RSA2048:
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def write_private(path: Path, octets: bytes) -> None:
    """Write a file 0600, durably, whole or not at all; ``FileExistsError`` when it is there."""
    _create(path, octets)


def _stretched(pin: str, salt: bytes, work: int) -> tuple[bytes, str]:
    """Password of the PKCS#8 files, and the value that tells a wrong PIN without telling the password."""
    octets = Scrypt(salt=salt, length=64, n=work, r=8, p=1).derive(pin.encode())
    return octets[:32].hex().encode(), octets[32:].hex()


def _create(path: Path, octets: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{system_random(6).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike rename it never replaces
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
