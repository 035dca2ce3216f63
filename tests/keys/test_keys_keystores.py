"""One suite for both keystores: encrypted files, and a PKCS#11 token (SoftHSM)."""

import os
import pickle
import stat
import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keys import softhsm
from trustcell.adapters.keystore_file import FileKeystore, write_private
from trustcell.adapters.keystore_pkcs11 import Pkcs11Keystore
from trustcell.smki.ports import KeyKind
from trustcell.vocab import Refused, Unavailable

PIN = softhsm.PIN


class FilePlace:
    def __init__(self, folder):
        self.folder = folder / "keys"

    def open(self, pin=PIN):
        return FileKeystore(self.folder, pin, work=2)


class TokenPlace:
    def __init__(self, _):
        self.token = softhsm.unused_token()

    def open(self, pin=PIN):
        return Pkcs11Keystore(softhsm.module(), self.token, pin)


@pytest.fixture(params=[FilePlace, TokenPlace], ids=["file", "pkcs11"])
def place(request, tmp_path):
    return request.param(tmp_path)


def verifies(public_key: bytes, signature: bytes, octets: bytes) -> None:
    key = serialization.load_der_public_key(public_key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        assert isinstance(key.curve, ec.SECP256R1)
        assert len(signature) == 64
        halves = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
        key.verify(encode_dss_signature(*halves), octets, ec.ECDSA(hashes.SHA256()))
    else:
        assert (key.key_size, key.public_numbers().e) == (2048, 65537)
        key.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_signs_what_its_public_key_verifies(place, kind):
    signer = place.open().generate("root-oca", kind)
    assert (signer.label, signer.kind) == ("root-oca", kind)
    for octets in (b"", b"to be signed", bytes(100_000)):
        verifies(signer.public_key, signer.sign(octets), octets)


def test_short_halves_of_a_signature_are_filled_up(tmp_path):
    signer = FilePlace(tmp_path).open().generate("root-oca", KeyKind.P256)
    short = 0
    for number in range(1500):
        octets = number.to_bytes(2)
        signature = signer.sign(octets)
        verifies(signer.public_key, signature, octets)
        short += 0 in (signature[0], signature[32])
    assert short


def test_a_key_is_the_same_one_after_opening_again(place):
    made = place.open().generate("issuing-oca", KeyKind.P256)
    signer = place.open().signer("issuing-oca")
    assert signer.public_key == made.public_key
    verifies(made.public_key, signer.sign(b"octets"), b"octets")


def test_deterministic_says_whether_signatures_repeat(place):
    keystore = place.open()
    for kind in KeyKind:
        signer = keystore.generate(kind.value, kind)
        assert (signer.sign(b"octets") == signer.sign(b"octets")) == signer.deterministic


def test_labels_are_those_of_the_keys_and_never_used_twice(place):
    keystore = place.open()
    assert keystore.labels() == []
    first = keystore.generate("ica", KeyKind.RSA2048).public_key
    keystore.generate("audit", KeyKind.P256)
    assert keystore.labels() == place.open().labels() == ["audit", "ica"]
    for kind in KeyKind:
        with pytest.raises(Refused) as refused:
            keystore.generate("ica", kind)
        assert refused.value.code == "key_label_in_use"
    assert place.open().signer("ica").public_key == first


def test_a_key_that_is_not_there_is_unavailable(place):
    keystore = place.open()
    keystore.generate("audit", KeyKind.P256)
    with pytest.raises(Unavailable, match="key_missing"):
        keystore.signer("root-oca")


@pytest.mark.parametrize("label", ["", "../pin", "a/b", "A", "-a", "x" * 64, "a\0b", "a b"])
def test_labels_are_short_plain_and_no_path(place, label):
    keystore = place.open()
    for act in (keystore.signer, lambda each: keystore.generate(each, KeyKind.P256)):
        with pytest.raises(ValueError, match="label"):
            act(label)
    assert keystore.labels() == []


@pytest.mark.parametrize("pin", ["", "correct horsf", "correct horse ", "1234", "x" * 300])
def test_a_wrong_pin_is_unavailable_and_not_repeated(place, pin, caplog, capfd):
    place.open().generate("audit", KeyKind.P256)
    with pytest.raises(Unavailable) as refused:
        place.open(pin)
    said = f"{refused.value!s} {refused.value!r} {caplog.text} {capfd.readouterr()}"
    assert "keystore_pin" in said
    assert not pin or pin not in said
    assert PIN not in said
    assert place.open().labels() == ["audit"]


def test_neither_pin_nor_key_shows_in_a_representation(place):
    keystore = place.open()
    signer = keystore.generate("audit", KeyKind.P256)
    shown = f"{keystore!r} {signer!r} {keystore!s} {signer!s} {signer.__class__} "
    assert PIN not in shown
    assert "audit" in repr(signer)
    for thing in (signer, keystore):
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(thing)


def test_threads_share_a_keystore(place):
    signer = place.open().generate("issuing-dca", KeyKind.P256)
    found: dict[int, bytes] = {}

    def work(number):
        for turn in range(5):
            octets = f"{number} {turn}".encode()
            found[number * 10 + turn] = octets + signer.sign(octets)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 30
    for octets in found.values():
        verifies(signer.public_key, octets[-64:], octets[:-64])


def test_files_are_private_encrypted_and_whole(tmp_path):
    place = FilePlace(tmp_path)
    keystore = place.open()
    keystore.generate("ica", KeyKind.RSA2048)
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    files = sorted(place.folder.iterdir())
    assert [file.name for file in files] == ["ica.key", "keystore.json"]
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert PIN.encode() not in file.read_bytes()
    assert files[0].read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(ValueError):
        serialization.load_pem_private_key(files[0].read_bytes(), PIN.encode())


def test_scrypt_is_slow_by_default(tmp_path):
    FileKeystore(tmp_path / "keys", PIN)
    assert '"n": 32768, "r": 8, "p": 1' in (tmp_path / "keys" / "keystore.json").read_text()


@pytest.mark.parametrize("octets", [b"", b"{}", b"not json", b'{"n": "x"}', b'{"salt": "zz", "n": 2, "check": ""}'])
def test_a_damaged_header_or_key_file_is_unavailable(tmp_path, octets):
    place = FilePlace(tmp_path)
    place.open().generate("audit", KeyKind.P256)
    key, header = place.folder / "audit.key", place.folder / "keystore.json"
    whole = key.read_bytes()
    key.write_bytes(octets)
    with pytest.raises(Unavailable, match="key_unreadable"):
        place.open().signer("audit")
    key.write_bytes(whole)
    header.write_bytes(octets)
    with pytest.raises(Unavailable, match="keystore_damaged"):
        place.open()


def test_a_key_of_another_keystore_is_unavailable(tmp_path):
    one, two = FilePlace(tmp_path / "one"), FilePlace(tmp_path / "two")
    one.open().generate("audit", KeyKind.P256)
    two.open()
    (two.folder / "audit.key").write_bytes((one.folder / "audit.key").read_bytes())
    with pytest.raises(Unavailable, match="key_unreadable"):
        two.open().signer("audit")


def test_a_key_of_another_curve_is_unavailable(tmp_path):
    place = FilePlace(tmp_path)
    place.open().keep("audit", ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(Unavailable, match="neither P-256 nor RSA"):
        place.open().signer("audit")


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(Unavailable, match="cannot be opened"):
        FilePlace(tmp_path).open()


def test_what_a_crash_leaves_behind_is_no_key(tmp_path):
    place = FilePlace(tmp_path)
    keystore = place.open()
    (place.folder / ".audit.key.1234").write_bytes(b"half a file")
    assert keystore.labels() == []
    keystore.generate("audit", KeyKind.P256)
    assert place.open().labels() == ["audit"]


def test_write_private_never_replaces(tmp_path):
    write_private(tmp_path / "pin", b"one")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "pin", b"two")
    assert (tmp_path / "pin").read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["pin"]


def test_file_signatures_are_those_of_rfc_6979(tmp_path):
    # RFC 6979 A.2.5: the P-256 key, message "sample", SHA-256.
    number = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    signer = FilePlace(tmp_path).open().keep("rfc", ec.derive_private_key(number, ec.SECP256R1()))
    assert signer.sign(b"sample").hex().upper() == (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


def test_keys_of_a_token_cannot_be_taken_out():
    import pkcs11
    from pkcs11 import Attribute, ObjectClass

    token = softhsm.unused_token()
    keystore = Pkcs11Keystore(softhsm.module(), token, PIN)
    for kind in KeyKind:
        keystore.generate(kind.value, kind)
    with pkcs11.lib(str(softhsm.module())).get_token(token_label=token).open() as session:
        keys = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        assert len(keys) == 2
        for key in keys:
            assert key[Attribute.SENSITIVE] is True
            assert key[Attribute.EXTRACTABLE] is False
            secret = Attribute.PRIVATE_EXPONENT if key.key_type is pkcs11.KeyType.RSA else Attribute.VALUE
            with pytest.raises(pkcs11.exceptions.AttributeSensitive):
                _ = key[secret]


def test_a_token_or_module_that_is_not_there_is_unavailable(tmp_path):
    softhsm.folder()
    with pytest.raises(Unavailable, match="token_missing"):
        Pkcs11Keystore(softhsm.module(), "no such token", PIN)
    with pytest.raises(Unavailable, match="token_failed"):
        Pkcs11Keystore(tmp_path / "no-module.so", "token-0", PIN)


PULLED = """
import os, sys
from pathlib import Path
from trustcell.adapters.keystore_pkcs11 import Pkcs11Keystore
from trustcell.smki.ports import KeyKind
from trustcell.vocab import Unavailable

module, tokens = Path(sys.argv[1]), Path(sys.argv[2])
keystore = Pkcs11Keystore(module, "token-0", os.environ["PIN"])
signer = keystore.generate("audit", KeyKind.P256) if sys.argv[3] == "make" else keystore.signer("audit")
print(signer.public_key.hex(), len(signer.sign(b"octets")))
tokens.rename(tokens.with_name("away"))
try:
    signer.sign(b"octets")
except Unavailable as error:
    print(error)
else:
    sys.exit("it signed without its token")
"""


def test_a_pulled_token_is_unavailable_and_comes_back(tmp_path):
    """Hostile F6: the folder of the tokens is moved away under a running signer; another process finds none."""
    settings, tokens = softhsm.new_tokens(tmp_path, 1), tmp_path / "tokens"
    environment = {**os.environ, "SOFTHSM2_CONF": settings, "PIN": PIN}

    def process(how):
        arguments = [sys.executable, "-c", PULLED, str(softhsm.module()), str(tokens), how]
        done = subprocess.run(arguments, capture_output=True, text=True, env=environment)
        assert PIN not in done.stdout + done.stderr
        return done

    first = process("make")
    assert first.returncode == 0, first.stderr
    assert "[key_missing]" in first.stdout or "[token_failed]" in first.stdout
    missing = process("open")
    assert missing.returncode == 1
    assert "trustcell.vocab.errors.Unavailable" in missing.stderr
    tokens.with_name("away").rename(tokens)
    again = process("open")
    assert again.stdout.splitlines()[0] == first.stdout.splitlines()[0]
