"""Template splice, shape check and fast reading of requests, each against the slow way of doing the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from trustcell import certs
from trustcell.certs.csr_shapes import _by_shape
from trustcell.vocab import Eui64, KeyUsage, Severity, WireError

POLICY = "1.2.826.0.1.1800000.1.2.1.4"
NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
CA = ec.derive_private_key(7, ec.SECP256R1())
ECDSA = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key(number):
    return ec.derive_private_key(number, ec.SECP256R1())


def point(private):
    form = serialization.PublicFormat.UncompressedPoint
    return private.public_key().public_bytes(serialization.Encoding.X962, form)


def signing(private):
    def sign(octets):
        r, s = decode_dss_signature(private.sign(octets, ECDSA))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def device(**changes):
    values = {
        "serial": 0x11 << 120,
        "issuer": certs.authority_name("D001"),
        "not_before": NOW,
        "entity_id": Eui64(bytes.fromhex("00db123456789001")),
        "key_usage": DS,
        "public_key_point": point(key(5)),
        "policy": POLICY,
        "issuer_key_identifier": bytes.fromhex("47d40af3412904a0"),
    }
    return certs.DeviceTemplate(**values | changes)


def organisation(**changes):
    values = {
        "serial": 0x11 << 120,
        "issuer": certs.authority_name("T1", 7),
        "not_before": NOW,
        "not_after": NOW + timedelta(days=3652),
        "role": 2,
        "entity_id": Eui64(bytes.fromhex("90b3d51f30010000")),
        "key_usage": KA,
        "public_key_point": point(key(5)),
        "policy": "1.2.826.0.1.8641679.1.2.1.4",
        "issuer_key_identifier": bytes.fromhex("4f5688d7ec933be2"),
    }
    return certs.OrganisationTemplate(**values | changes)


def checked(template):
    probe = certs.probe(template)
    twin = certs.assemble(certs.tbs_octets(probe), CA.sign(certs.tbs_octets(probe), ECDSA))
    return certs.ShapeCheck(certs.Certificate.from_der(twin), template.policy)


SHAPES = [
    device(),
    device(key_usage=KA, hardware_type="1.2.826.0.1372.1.1.2.1"),
    device(not_before=datetime(2050, 1, 1, tzinfo=UTC)),
    organisation(),
    organisation(common_name="A SUPPLIER", key_usage=DS),
]
SPLICES = [certs.Splice(each) for each in SHAPES]
CHECKS = [checked(each) for each in SHAPES]
slots = {
    "serial": st.integers(0x10 << 120, (0x80 << 120) - 1),
    "entity": st.binary(min_size=8, max_size=8),
    "secret": st.integers(1, ORDER - 1),
}


@settings(max_examples=300, deadline=None)
@given(which=st.integers(0, len(SHAPES) - 1), **slots)
def test_a_spliced_certificate_is_the_one_the_builder_makes(which, serial, entity, secret):
    public = point(key(secret))
    made = SPLICES[which].tbs(serial, entity, public)
    template = replace(SHAPES[which], serial=serial, entity_id=Eui64(entity), public_key_point=public)
    assert made == certs.tbs_octets(template)
    assert CHECKS[which].passes(made, serial, entity, public)


def test_real_device_certificates_are_spliced_octet_for_octet(shared):
    entries = json.loads((shared / "rtds" / "keys.json").read_text())
    seen, spliced = 0, {}
    for text in _certificates(entries):
        try:
            real = certs.load_certificates(text.encode())[0]
        except WireError:
            continue
        if real.kind is not certs.CertificateKind.DEVICE or str(real.issuer) != "CN=E357":
            continue
        module = real.hardware_module_name
        shape = (real.not_before, real.key_usage, module.hardware_type)
        if shape not in spliced:
            spliced[shape] = certs.Splice(
                device(
                    issuer=real.issuer,
                    not_before=real.not_before,
                    key_usage=real.key_usage,
                    hardware_type=module.hardware_type,
                    issuer_key_identifier=real.authority_key_identifier,
                )
            )
        made = spliced[shape].tbs(real.serial, bytes(real.entity_id), real.public_key_point)
        assert made == real.tbs
        seen += 1
    assert seen >= 390
    assert len(spliced) >= 2


def _certificates(value):
    match value:
        case dict():
            for each in value.values():
                yield from _certificates(each)
        case list():
            for each in value:
                yield from _certificates(each)
        case str() if len(value) > 400 and not value.startswith("-----BEGIN P"):
            yield value


def test_a_serial_of_another_length_is_not_spliced():
    for serial in (0x7F, 0x80 << 120, 0x11 << 112):
        with pytest.raises(ValueError, match="16 octets"):
            SPLICES[0].tbs(serial, bytes(8), point(key(5)))


@settings(max_examples=400, deadline=None)
@given(place=st.integers(0, 325), change=st.integers(1, 255), **slots)
def test_one_octet_that_differs_does_not_pass(place, change, serial, entity, secret):
    public = point(key(secret))
    made = bytearray(SPLICES[0].tbs(serial, entity, public))
    made[place] ^= change
    assert not CHECKS[0].passes(bytes(made), serial, entity, public)
    assert [each.code for each in CHECKS[0].breaches(bytes(made), serial, entity, public)] == ["twin_differs"]


@pytest.mark.parametrize("length", [-1, 1])
def test_another_length_does_not_pass(length):
    made = SPLICES[0].tbs(0x11 << 120, bytes(8), point(key(5)))
    other = made[:length] if length < 0 else made + b"\0"
    assert not CHECKS[0].passes(other, 0x11 << 120, bytes(8), point(key(5)))


def test_a_point_off_the_curve_does_not_pass_even_when_it_was_asked_for():
    wrong = b"\4" + bytes(31) + b"\1" + bytes(31) + b"\1"
    made = SPLICES[0].tbs(0x11 << 120, bytes(8), wrong)
    assert not CHECKS[0].passes(made, 0x11 << 120, bytes(8), wrong)


def test_a_serial_with_the_first_octet_out_of_range_does_not_pass():
    serial = 0x0F << 120
    made = SPLICES[0].tbs(serial, bytes(8), point(key(5)))
    assert not CHECKS[0].passes(made, serial, bytes(8), point(key(5)))


def test_nothing_passes_a_shape_that_the_lint_refused():
    refused = checked(device(issuer_key_identifier=bytes(3)))
    assert any(each.severity is Severity.ERROR for each in refused.findings)
    splice = certs.Splice(device(issuer_key_identifier=bytes(3)))
    made = splice.tbs(0x11 << 120, bytes(8), point(key(5)))
    assert not refused.passes(made, 0x11 << 120, bytes(8), point(key(5)))
    assert list(refused.breaches(made, 0x11 << 120, bytes(8), point(key(5)))) == list(refused.findings)


def test_a_certificate_is_assembled_as_the_codec_does():
    tbs = SPLICES[0].tbs(0x11 << 120, bytes(8), point(key(5)))
    for number in range(1, 40):
        raw = signing(key(number))(tbs)
        assert certs.certificate_octets(tbs, raw) == certs.assemble(tbs, certs.signature_der(raw))


def request(number=9, usage=DS, entity=b"\x00\xdb\x124Vx\x90\x01", hardware=certs.DEVICE_HARDWARE_TYPE):
    return certs.device_csr(Eui64(entity), usage, point(key(number)), signing(key(number)), hardware)


def slowly(octets):
    """What the full reader says: whether it takes the request, and what it read."""
    try:
        csr = certs.load_csr(octets)
    except WireError:
        return None
    wrong = [each for each in certs.check_csr(csr) if each.severity is Severity.ERROR]
    if wrong or not csr.is_for_device:
        return None
    return csr.der, bytes(csr.entity_id), csr.key_usage, csr.hardware_module_name.hardware_type, csr.public_key_point


def quickly(reader, octets):
    found = reader.read(octets)
    return None if found.error else (found.der, found.entity_id, found.key_usage, found.hardware_type, found.point)


def taught():
    reader = certs.DeviceRequests()
    for usage in (DS, KA):
        assert reader.read(request(usage=usage)).error is None
    return reader


TAUGHT = taught()


@settings(max_examples=150, deadline=None)
@given(usage=st.sampled_from([DS, KA]), entity=slots["entity"], secret=slots["secret"])
def test_a_good_request_is_read_by_its_slots_alike(usage, entity, secret):
    octets = request(secret, usage, entity)
    assert any(_by_shape(octets, shape) for shape in TAUGHT._shapes)
    assert quickly(TAUGHT, octets) == slowly(octets) is not None


@settings(max_examples=1500, deadline=None)
@given(data=st.data())
def test_nothing_is_taken_that_the_full_reader_refuses(data):
    octets = bytearray(request(data.draw(st.integers(1, 50)), data.draw(st.sampled_from([DS, KA]))))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(octets) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "tail"])):
            case "flip":
                octets[place] ^= data.draw(st.integers(1, 255))
            case "cut":
                del octets[place]
            case "insert":
                octets.insert(place, data.draw(st.integers(0, 255)))
            case _:
                del octets[place:]
        if not octets:
            break
    assert quickly(TAUGHT, bytes(octets)) == slowly(bytes(octets))


def test_a_signature_that_is_not_strict_der_is_refused_by_both():
    octets = request(3)
    info = certs.CertificationRequest.from_der(octets).info
    r, s = decode_dss_signature(key(3).sign(info, ECDSA))
    good = encode_dss_signature(r, s)
    for wrong in (_padded(r, s), encode_dss_signature(r, 0), encode_dss_signature(ORDER - r, s), good + b"\0"):
        bad = certs.assemble(info, wrong)
        assert slowly(bad) is None
        assert quickly(TAUGHT, bad) is None
    assert quickly(TAUGHT, certs.assemble(info, encode_dss_signature(r, ORDER - s))) is not None


def _padded(r, s):
    parts = b"".join(b"\2" + bytes((len(i),)) + i for i in (b"\0\0" + r.to_bytes(32, "big"), b"\0" + s.to_bytes(32)))
    return b"\x30" + bytes((len(parts),)) + parts


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "csr_armour_malformed"),
        (b"0\x03\x02\x01\x00", "csr_not_der"),
        (request() + b"\0", "csr_trailing_data"),
        (certs.organisation_csr(2, Eui64(bytes(8)), DS, point(key(2)), signing(key(2))), "csr_subject_not_empty"),
        (certs.device_csr(Eui64(bytes(8)), DS, point(key(2)), signing(key(3))), "csr_signature_wrong"),
    ],
)
def test_what_is_wrong_has_a_code_of_its_own(octets, code):
    assert TAUGHT.read(octets).error.code == code


def test_an_entity_that_looks_like_the_rest_of_a_request_teaches_no_shape():
    reader = certs.DeviceRequests()
    entity = bytes.fromhex("30130607 2a8648ce".replace(" ", ""))  # the beginning of every SubjectPublicKeyInfo of P-256
    octets = request(entity=entity)
    assert quickly(reader, octets) == slowly(octets) is not None
    assert not reader._shapes
