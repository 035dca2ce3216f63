"""GBCS: decode to the last value of every payload, and decode + verify, over the reference messages."""

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Case, Ratio
from trustcell import gbcs
from trustcell.app.key_files import read_key_file
from trustcell.app.message_check import message_files
from trustcell.dsp.rules import completion

_ECDSA = ec.ECDSA(hashes.SHA256())

RATIOS = (
    Ratio("decode into typed values / one ECDSA verification", "decode", "one verify", 0.4, share=False),
    Ratio(
        "decode + verify, every payload decoded: share of its bare calls",
        "decode + verify",
        "bare calls",
        0.55,
        share=True,
    ),
    Ratio("the same, shared secrets kept", "decode + verify, kept", "bare calls, kept", 0.55, share=True, must=False),
    Ratio("6.15.1 checked, completed and MACed: share of its bare calls", "6.15.1", "bare 6.15.1", 0.5, share=True),
    Ratio("T6: decode + verify / one ECDSA verification", "decode + verify, kept", "one verify", 1.64, share=False),
)


def cases(shared: Path) -> list[Case]:
    """The cases over ``rtds/messages`` with ``rtds/keys.json``."""
    entries = [credential.key for credential in read_key_file(shared / "rtds" / "keys.json").credentials]
    messages = [gbcs.message_octets(file.read_bytes()) for file in message_files([shared / "rtds" / "messages"])]
    fresh, kept = gbcs.KeyRing(entries, secrets_kept=0), gbcs.KeyRing(entries)
    decoded = [gbcs.decode(octets) for octets in messages]
    signatures, agreements, macs = _bare(decoded, kept)
    count = len(messages)

    def decode() -> None:
        for octets in messages:
            gbcs.decode_payload(gbcs.decode(octets))

    def check(ring: gbcs.KeyRing) -> None:
        for octets in messages:
            message = gbcs.decode(octets)
            gbcs.decode_payload(message)
            ring.check(message)

    def bare_signatures() -> None:
        for key, signature, octets in signatures:
            key.verify(signature, octets, _ECDSA)

    def bare_macs() -> None:
        for key, info, iv, aad in macs:
            derived = hashlib.sha256(b"\0\0\0\1" + key + info).digest()[:16]
            AESGCM(derived).encrypt(iv, b"", aad)

    def bare_agreements() -> None:
        for private, public in agreements:
            private.exchange(ec.ECDH(), public)

    def one_verify() -> None:
        for key, signature, octets in signatures[:100]:
            key.verify(signature, octets, _ECDSA)

    return [
        Case("one verify", one_verify, 100),
        Case("decode", decode, count),
        Case("decode + verify", lambda: check(fresh), count),
        Case("bare calls", lambda: (bare_signatures(), bare_agreements(), bare_macs()), count),
        Case("decode + verify, kept", lambda: check(kept), count),
        Case("bare calls, kept", lambda: (bare_signatures(), bare_macs()), count),
        *_completions(shared, kept),
    ]


def _completions(shared: Path, ring: gbcs.KeyRing) -> list[Case]:
    """The signed pre-commands of 6.15.1: checked against what was offered and its signature, agreed, MACed."""
    work = []
    for file in sorted((shared / "rtds" / "messages").glob("6.15.1_*/*_PRECOMMAND_*")):
        real = gbcs.message_octets(Path(str(file).replace("PRECOMMAND", "COMMAND")).read_bytes())
        message = gbcs.decode(real)
        ours, theirs = ring.mac_pairs(message)[0]
        keys = [entry.public_key for entry in ring.signing_keys(message.originator)]
        offered = gbcs.message_octets(file.read_bytes()) + b"\0"
        work.append((offered, gbcs.inner_octets(message), keys, ours.private_key, theirs.public_key, real))
    signatures, agreements, macs = _bare([gbcs.decode(each[-1]) for each in work], ring)

    def complete() -> None:
        for _ in range(10):
            for offered, returned, keys, private, public, real in work:
                message = completion.returned(offered, returned)
                completion.require_signature(offered, message, keys)
                assert gbcs.seal(message, gbcs.agree(private, public), returned) == real

    def bare() -> None:
        for _ in range(10):
            for (key, signature, octets), (private, public), (_, info, iv, aad) in zip(
                signatures, agreements, macs, strict=True
            ):
                key.verify(signature, octets, _ECDSA)
                secret = private.exchange(ec.ECDH(), public)
                AESGCM(hashlib.sha256(b"\0\0\0\1" + secret + info).digest()[:16]).encrypt(iv, b"", aad)

    return [Case("6.15.1", complete, 10 * len(work)), Case("bare 6.15.1", bare, 10 * len(work))]


def _bare(messages: list[gbcs.Message], ring: gbcs.KeyRing) -> tuple[list, list, list]:
    """Inputs of the bare calls: signatures to verify, secrets to agree, MACs to make."""
    signatures, agreements, macs = [], [], []
    for message in messages:
        if message.signature:
            octets = gbcs.signed_octets(message)
            r, s = (int.from_bytes(message.signature[i : i + 32], "big") for i in (0, 32))
            for entry in ring.signing_keys(message.originator):
                der = utils.encode_dss_signature(r, s)
                try:
                    entry.public_key.verify(der, octets, _ECDSA)
                except InvalidSignature:
                    continue
                signatures.append((entry.public_key, der, octets))
                break
        for ours, theirs in ring.mac_pairs(message) if message.mac is not None else ():
            secret = ring.shared_secret(ours, theirs)
            if gbcs.check_mac(message, secret):
                iv, aad = gbcs.mac_input(message)
                agreements.append((ours.private_key, theirs.public_key))
                macs.append((secret, gbcs.mac_key_info(message), iv, aad))
                break
    return signatures, agreements, macs
