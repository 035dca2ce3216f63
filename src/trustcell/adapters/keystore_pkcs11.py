"""Keys on a PKCS#11 token, in any module: they are made there, sign there and never leave (smki.md 3.9)."""

import hashlib
import hmac
import threading
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as token_errors
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from trustcell.adapters.clock import system_random
from trustcell.adapters.keystore_errors import checked_label, label_in_use, no_key, wrong_pin
from trustcell.smki.ports import KeyKind
from trustcell.vocab import Unavailable

_PIN_ERRORS = (
    token_errors.PinIncorrect,
    token_errors.PinInvalid,
    token_errors.PinLenRange,
    token_errors.PinLocked,
    token_errors.PinExpired,
)
_LOGINS: dict[tuple[str, str], bytes] = {}
"""Tokens this process is logged in to, with a digest of the PIN: a module looks at the PIN of the first login only."""
_LOGIN_KEY = system_random(32)
_PRIVATE = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}


class TokenSigner:
    """One private key of a token. RSA signatures repeat, those of ECDSA on a token do not."""

    def __init__(self, keystore: "Pkcs11Keystore", label: str, kind: KeyKind, public_key: bytes) -> None:
        """``public_key`` is the SubjectPublicKeyInfo that the token gave."""
        self._keystore = keystore
        self.label = label
        self.kind = kind
        self.public_key = public_key
        self.deterministic = kind is KeyKind.RSA2048

    def sign(self, octets: bytes) -> bytes:
        """r||s of ECDSA, or PKCS#1 v1.5; SHA-256 in both. ``Unavailable`` when the token does not answer."""
        return self._keystore.sign(self.label, self.kind, octets)

    def __repr__(self) -> str:
        """Label and kind."""
        return f"TokenSigner({self.label!r}, {self.kind.value})"


class Pkcs11Keystore:
    """A token named by its label. One session, used by one thread at a time."""

    def __init__(self, module: Path, token: str, pin: str) -> None:
        """Log in; ``Unavailable`` when there is no module or token, or the PIN is wrong."""
        self._module = module
        self._token = token
        self._lock = threading.RLock()
        self._known: dict[str, TokenSigner] = {}
        self._session = self._login(pin)

    def __repr__(self) -> str:
        """Without the PIN."""
        return f"Pkcs11Keystore({str(self._module)!r}, {self._token!r})"

    def close(self) -> None:
        """End the session; the token stays as it is."""
        with self._lock:
            self._session.close()

    def generate(self, label: str, kind: KeyKind) -> TokenSigner:
        """Make a key on the token; ``Refused`` (``key_label_in_use``) when there is one."""
        with self._lock:
            if checked_label(label) in self.labels():
                raise label_in_use(label)
            try:
                self._generate(label, kind)
            except token_errors.PKCS11Error as error:
                raise _failed(f"the key {label} cannot be made", error) from None
            return self.signer(label)

    def signer(self, label: str) -> TokenSigner:
        """The key with this label; ``Unavailable`` when there is none, or more than one."""
        with self._lock:
            if label not in self._known:
                kind, public_key = self._public(checked_label(label))
                self._known[label] = TokenSigner(self, label, kind, public_key)
            return self._known[label]

    def labels(self) -> list[str]:
        """The labels of all private keys of the token."""
        with self._lock:
            try:
                found = list(self._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
                return sorted(str(each[Attribute.LABEL]) for each in found)
            except token_errors.PKCS11Error as error:
                raise _failed("the token cannot be read", error) from None

    def sign(self, label: str, kind: KeyKind, octets: bytes) -> bytes:
        """What ``TokenSigner.sign`` gives."""
        with self._lock:
            try:
                key = self._private(label)
                if kind is KeyKind.RSA2048:
                    return bytes(key.sign(octets, mechanism=Mechanism.SHA256_RSA_PKCS))
                return bytes(key.sign(hashlib.sha256(octets).digest(), mechanism=Mechanism.ECDSA))
            except token_errors.PKCS11Error as error:
                raise _failed(f"the key {label} cannot sign", error) from None

    def _login(self, pin: str) -> pkcs11.Session:
        here = (str(self._module), self._token)
        digest = hmac.digest(_LOGIN_KEY, pin.encode(), "sha256")
        try:
            token = pkcs11.lib(here[0]).get_token(token_label=self._token)
            try:
                session = token.open(rw=True, user_pin=pin)
            except token_errors.UserAlreadyLoggedIn:
                if not hmac.compare_digest(_LOGINS.get(here, b""), digest):
                    raise wrong_pin() from None
                return token.open(rw=True)
        except _PIN_ERRORS:
            raise wrong_pin() from None
        except token_errors.NoSuchToken:
            raise Unavailable(f"there is no token {self._token} [token_missing]") from None
        except (token_errors.PKCS11Error, RuntimeError, OSError) as error:
            raise _failed(f"the token {self._token} cannot be opened", error) from None
        _LOGINS[here] = digest
        return session

    def _generate(self, label: str, kind: KeyKind) -> None:
        if kind is KeyKind.RSA2048:
            self._session.generate_keypair(KeyType.RSA, 2048, label=label, store=True, private_template=dict(_PRIVATE))
            return
        curve = self._session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        curve.generate_keypair(label=label, store=True, private_template=dict(_PRIVATE))

    def _private(self, label: str) -> Any:
        try:
            return self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        except token_errors.NoSuchKey:
            raise no_key(label) from None

    def _public(self, label: str) -> tuple[KeyKind, bytes]:
        try:
            self._private(label)
            found: Any = self._session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)
            if found.key_type is KeyType.EC:
                return KeyKind.P256, _p256_info(encode_ec_public_key(found))
            return KeyKind.RSA2048, _rsa_info(encode_rsa_public_key(found))
        except token_errors.NoSuchKey:
            raise no_key(label) from None
        except token_errors.MultipleObjectsReturned:
            raise Unavailable(f"the token has more than one key {label} [key_ambiguous]") from None
        except token_errors.PKCS11Error as error:
            raise _failed(f"the key {label} cannot be read", error) from None


def _failed(what: str, error: Exception) -> Unavailable:
    return Unavailable(f"{what}: {type(error).__name__} [token_failed]")


def _p256_info(octets: bytes) -> bytes:
    key = serialization.load_der_public_key(octets)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Unavailable("the key of the token is not on P-256 [key_unreadable]")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _rsa_info(octets: bytes) -> bytes:
    key = serialization.load_der_public_key(octets)
    if not isinstance(key, rsa.RSAPublicKey):
        raise Unavailable("the key of the token is neither P-256 nor RSA [key_unreadable]")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
