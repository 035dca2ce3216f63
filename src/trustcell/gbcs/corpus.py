"""Checks many messages and keeps the tally: envelopes, signatures, MACs, payloads of each kind, encrypted parts."""

import base64
import binascii
import string
from collections import Counter
from typing import Any

from trustcell.gbcs.codes import PayloadKind
from trustcell.gbcs.frame import Message, decode, encode
from trustcell.gbcs.keyring import KeyRing, OpenedPart, Verdict
from trustcell.gbcs.payload import decode_payload, decode_plaintext, encode_payload, encode_plaintext, payload_kind
from trustcell.gbcs.protect import encrypt
from trustcell.vocab import WireError

MESSAGE_SUFFIXES = frozenset({".hex", ".bin", ".b64", ".txt", ""})
"""Endings, in lower case, of files that are taken for messages inside a folder."""

_KINDS = (PayloadKind.ASN1, PayloadKind.DLMS, PayloadKind.GBZ)
_TAGS = (b"\xdf", b"\xdd")
_HEX = frozenset(string.hexdigits.encode())
_HEX_TEXT = _HEX | frozenset(string.whitespace.encode())


def message_octets(data: bytes) -> bytes:
    """The octets of a message given as hex, base64 or binary; ``WireError`` when it is none of them."""
    if data[:1] in _TAGS:
        return data
    text = b"".join(data.split())
    if not text:
        raise WireError(0, "input", "a message in hex, base64 or binary was expected, there is nothing", "input_empty")
    if _HEX.issuperset(text):
        if len(text) % 2:
            raise WireError(len(text), "input", "hex digits come in pairs, their number here is odd", "input_hex")
        return bytes.fromhex(text.decode())
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        at = next(at for at, octet in enumerate(data) if octet not in _HEX_TEXT)
        reason = "a message in hex, base64 or binary was expected"
        raise WireError(at, "input", reason, "input_format") from None


class Tally:
    """Counts verdicts over messages; ``as_plain`` gives the report."""

    def __init__(self, ring: KeyRing) -> None:
        """``ring`` holds the keys to check with."""
        self._ring = ring
        self._counts: Counter[str] = Counter()
        self._signatures: Counter[Verdict] = Counter()
        self._macs: Counter[Verdict] = Counter()
        self._failures: list[dict[str, str]] = []

    @property
    def clean(self) -> bool:
        """Whether nothing failed so far."""
        return not self._failures

    def add(self, name: str, data: bytes) -> None:
        """Check one message, given as hex, base64 or binary, under the name of its file."""
        self._counts["messages"] += 1
        try:
            octets = message_octets(data)
            message = decode(octets)
        except WireError as error:
            self.fail(name, str(error))
            return
        self._counts["parsed"] += 1
        if encode(message) == octets:
            self._counts["reencoded"] += 1
        else:
            self.fail(name, "the envelope re-encodes to other octets")
        self._check_payload(name, message)
        self._check_protection(name, message)

    def fail(self, name: str, reason: str) -> None:
        """Put a file on the list of failures."""
        self._failures.append({"file": name, "reason": reason})

    def as_plain(self) -> dict[str, Any]:
        """The report: counts, verdicts, and every failure with file and reason."""
        counts = self._counts
        return {
            "messages": counts["messages"],
            "parsed": counts["parsed"],
            "reencoded": counts["reencoded"],
            "signatures": {verdict.value: self._signatures[verdict] for verdict in Verdict},
            "macs": {verdict.value: self._macs[verdict] for verdict in Verdict},
            **{
                kind.value: {count: counts[f"{kind.value} {count}"] for count in ("payloads", "decoded", "reencoded")}
                for kind in _KINDS
            },
            "encrypted": {count: counts[f"encrypted {count}"] for count in ("parts", "opened", "reencrypted")},
            "failures": list(self._failures),
        }

    def _check_payload(self, name: str, message: Message) -> None:
        kind = payload_kind(message)
        self._counts[f"{kind} payloads"] += 1
        try:
            value = decode_payload(message)
        except WireError as error:
            self.fail(name, f"payload: {error}")
            return
        self._counts[f"{kind} decoded"] += 1
        again = encode_payload(message.message_code, message.cra, value, message.originator_counter)
        if again == message.payload:
            self._counts[f"{kind} reencoded"] += 1
        else:
            self.fail(name, "the payload re-encodes to other octets")
        for ordinal, opened in enumerate(self._ring.open_parts(message, value)):
            self._check_part(f"encrypted part {ordinal}", name, message, value, opened)

    def _check_part(self, label: str, name: str, message: Message, value: Any, opened: OpenedPart | None) -> None:
        """Opened, decoded, encoded and encrypted again, a part gives its octets back."""
        self._counts["encrypted parts"] += 1
        if opened is None:
            if self._ring.payload_keys(message):
                self.fail(name, f"{label}: no key of its reader opens it")
            return
        self._counts["encrypted opened"] += 1
        part = opened.part
        try:
            plaintext = encode_plaintext(decode_plaintext(value, part, opened.plaintext))
        except WireError as error:
            self.fail(name, f"{label}: {error}")
            return
        if encrypt(opened.key, message.originator, plaintext) == part.ciphertext + part.tag:
            self._counts["encrypted reencrypted"] += 1
        else:
            self.fail(name, f"{label}: it re-encrypts to other octets")

    def _check_protection(self, name: str, message: Message) -> None:
        protection = self._ring.check(message)
        self._signatures[protection.signature] += 1
        self._macs[protection.mac] += 1
        if protection.signature is Verdict.INVALID:
            self.fail(name, f"the signature does not verify with any key of {message.originator}")
        if protection.mac is Verdict.INVALID:
            self.fail(name, f"the MAC from {message.originator} to {message.target} does not verify with any key")
