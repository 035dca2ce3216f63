"""Verdicts on RTDS 4.5.0 messages with the right keys, with wrong ones, with several, and with none (gbcs.md 2.4)."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import gbcs
from trustcell.gbcs import KeyEntry, KeyRing, Protection, Verdict, protect
from trustcell.vocab import KeyUsage, RemotePartyRole
from wire.gbcs.rtds import NO_BY_NO, NO_BY_NO_RESPONSE, PARTIES, agreement_key, ring, vector, vectors

STRANGER = ec.derive_private_key(4711, ec.SECP256R1())
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


def stranger(entity: str, usage: KeyUsage, **fields: Any) -> KeyEntry:
    return KeyEntry(PARTIES[entity], usage, STRANGER.public_key(), STRANGER, **fields)


BROKER = stranger("ACB", KA, role=RemotePartyRole.ACCESS_CONTROL_BROKER)


def test_every_visible_message_verifies_as_the_digest_says(shared: Path) -> None:
    verdicts = [(each.name, ring(shared).check(each.message)) for each in vectors(shared).values()]
    assert Counter(verdict.signature for _, verdict in verdicts) == {"valid": 300, "absent": 506}
    assert Counter(verdict.mac for _, verdict in verdicts) == {"valid": 511, "no_key": 4, "absent": 291}
    # Between two devices on the HAN: no device's private key is published.
    assert {name[:5] for name, verdict in verdicts if verdict.mac is Verdict.NO_KEY} == {"PCS01", "PCS02"}


def test_no_keys_and_wrong_keys(shared: Path) -> None:
    message = vector(shared, NO_BY_NO).message
    assert KeyRing([]).check(message) == Protection(Verdict.NO_KEY, Verdict.NO_KEY)
    wrong = KeyRing([stranger("NO", DS), stranger("A0", KA), BROKER])
    assert wrong.check(message) == Protection(Verdict.INVALID, Verdict.INVALID)
    response = vector(shared, NO_BY_NO_RESPONSE).message
    assert KeyRing([stranger("A0", DS)]).check(response) == Protection(Verdict.INVALID, Verdict.ABSENT)


def test_a_key_of_the_other_usage_is_no_key(shared: Path) -> None:
    message = vector(shared, NO_BY_NO).message
    swapped = [dataclasses.replace(key, usage=KA if key.usage is DS else DS) for key in ring(shared).entries]
    assert KeyRing(swapped).check(message).signature is Verdict.INVALID
    only_agreement = [key for key in ring(shared).entries if KA in key.usage]
    assert KeyRing(only_agreement).check(message) == Protection(Verdict.NO_KEY, Verdict.VALID)


def test_one_fitting_key_among_several_is_enough(shared: Path) -> None:
    more = [stranger("NO", DS), stranger("A0", KA), BROKER, *ring(shared).entries]
    crowded = KeyRing([*more, stranger("NO", DS), stranger("A0", KA)])
    message = vector(shared, NO_BY_NO).message
    assert crowded.check(message) == Protection(Verdict.VALID, Verdict.VALID)
    assert len(crowded.mac_pairs(message)) == 2 * (len(crowded.agreement_keys(PARTIES["A0"])))
    bent = gbcs.attach_mac(message, bytes(12))
    assert crowded.check(bent) == Protection(Verdict.VALID, Verdict.INVALID)


def test_who_agrees_with_whom(shared: Path) -> None:
    command, response = (vector(shared, f"CS07_8.9_SUCCESS_{kind}").message for kind in ("COMMAND", "RESPONSE"))
    assert {(a.entity, b.entity) for a, b in ring(shared).mac_pairs(command)} == {(PARTIES["ACB"], PARTIES["A1"])}
    assert {(a.entity, b.entity) for a, b in ring(shared).mac_pairs(response)} == {(PARTIES["Sup"], PARTIES["A1"])}
    assert all(not a.prepayment and a.private_key is not None for a, _ in ring(shared).mac_pairs(response))


def test_two_devices_agree_among_themselves(shared: Path) -> None:
    message = next(each.message for each in vectors(shared).values() if each.name.startswith("PCS01"))
    device = KeyEntry(message.originator, KA, STRANGER.public_key(), STRANGER, is_device=True)
    peer = KeyEntry(message.target, KA, STRANGER.public_key())
    pair_ring = KeyRing([BROKER, device, peer])
    assert pair_ring.mac_pairs(message) == [(device, peer)]
    assert pair_ring.check(message).mac is Verdict.INVALID
    ours = gbcs.attach_mac(message, gbcs.make_mac(message, pair_ring.shared_secret(device, peer)))
    assert pair_ring.check(ours).mac is Verdict.VALID


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_on_another_curve_is_refused_at_once(curve: ec.EllipticCurve) -> None:
    other = ec.derive_private_key(4711, curve)
    with pytest.raises(ValueError, match="P-256"):
        KeyEntry(PARTIES["NO"], DS, other.public_key())
    with pytest.raises(ValueError, match="P-256"):
        KeyEntry(PARTIES["NO"], DS, STRANGER.public_key(), other)


def test_shared_secrets_are_kept_but_never_for_another_pair(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agreed = 0

    def agree(private: ec.EllipticCurvePrivateKey, public: ec.EllipticCurvePublicKey) -> bytes:
        nonlocal agreed
        agreed += 1
        return private.exchange(ec.ECDH(), public)

    monkeypatch.setattr(protect, "agree", agree)
    for kept, expected in ((4096, 1), (1, 1), (0, 5)):
        small, agreed = KeyRing([BROKER], kept), 0
        assert len({small.shared_secret(BROKER, BROKER) for _ in range(5)}) == 1
        assert agreed == expected
    small, agreed = KeyRing([], 2), 0
    for number in range(1, 30):
        # Entries that die at once: their identities are used again for other keys.
        private = ec.derive_private_key(number, ec.SECP256R1())
        passing = KeyEntry(PARTIES["A0"], KA, private.public_key(), private)
        assert small.shared_secret(passing, BROKER) == private.exchange(ec.ECDH(), BROKER.public_key)
    assert agreed == 29


def test_without_a_private_key_there_is_no_secret(shared: Path) -> None:
    public = dataclasses.replace(BROKER, private_key=None)
    with pytest.raises(ValueError, match="not in this ring"):
        KeyRing([]).shared_secret(public, BROKER)


def test_decrypting_names_every_part(shared: Path) -> None:
    message = vector(shared, "ECS22b_4.8.1_SINGLE_SUCCESS_RESPONSE").message
    value = gbcs.decode_payload(message)
    (text,) = ring(shared).decrypt(message, value)
    assert text is not None
    assert KeyRing([]).decrypt(message, value) == (None,)
    without = [key for key in ring(shared).entries if key.entity != PARTIES["Sup"]]
    wrong = KeyRing([*without, stranger("Sup", KA)])
    assert wrong.decrypt(message, value) == (None,)
    assert KeyRing([stranger("Sup", KA), *ring(shared).entries]).decrypt(message, value) == (text,)


def test_nothing_to_decrypt(shared: Path) -> None:
    message = vector(shared, NO_BY_NO_RESPONSE).message
    assert ring(shared).decrypt(message, gbcs.decode_payload(message)) == ()


def test_every_visible_encrypted_part_opens_with_a_key_of_the_file(shared: Path) -> None:
    texts = [
        text for each in vectors(shared).values() for text in ring(shared).decrypt(each.message, body(each.message))
    ]
    assert len(texts) == 25
    assert None not in texts


def body(message: gbcs.Message) -> Any:
    return gbcs.decode_payload(message)


def test_a_private_key_does_not_show_in_text(shared: Path) -> None:
    key = agreement_key(shared, PARTIES["NO"])
    assert key.private_key is not None
    scalar = key.private_key.private_numbers().private_value
    assert f"{scalar:x}" not in repr(key)
    assert str(scalar) not in repr(key)


def test_an_xml_signing_key_never_signs_a_gbcs_message():
    # Found with the ZAZ1 keys, where a user's XML signing key has the same entity and usage as its GBCS key.
    private = ec.generate_private_key(ec.SECP256R1())
    entity = PARTIES["NO"]
    for role in (RemotePartyRole.XML_SIGN, RemotePartyRole.DSP_XML_SIGN, RemotePartyRole.RDP_FILE_SIGN):
        entry = KeyEntry(entity, KeyUsage.DIGITAL_SIGNATURE, private.public_key(), private, role)
        assert KeyRing([entry]).signing_keys(entity) == []
