"""Paths: the ZAZ1 hierarchy, x509-limbo with the profile lint off, and searches that try to be endless."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from trustcell.certs import (
    Certificate,
    CrlTemplate,
    DeviceTemplate,
    IssuingAuthorityTemplate,
    LeafPurpose,
    OrganisationTemplate,
    PathLimits,
    PathRules,
    RootAuthorityTemplate,
    TrustAnchor,
    authority_name,
    encode_crl_entry,
    issue,
    issue_crl,
    load_certificates,
    load_crl,
    method2_ski,
    validate_path,
)
from trustcell.vocab import Eui64, KeyUsage, Refused, WireError

POLICY = "1.2.826.0.1.8641679.1.2.1.4"
THEN = datetime(2020, 1, 1, tzinfo=UTC)
FAR = datetime(2060, 1, 1, tzinfo=UTC)
SERVER_AUTH = frozenset({"1.3.6.1.5.5.7.3.1"})

REFUSED_THOUGH_VALID = {
    "rfc5280::nc::permitted-dn-match": "path_extension_not_processed",  # SMKI has no name constraints
    "rfc5280::ca-as-leaf": "path_leaf_is_authority",  # conflicts with webpki::ee-basicconstraints-ca; ask for AUTHORITY
}


def limbo(shared):
    return json.loads((shared / "conformance" / "x509-limbo" / "cases.json").read_text())["testcases"]


def run(case, purpose=LeafPurpose.END_ENTITY):
    """The code of the refusal, ``None`` for a path."""
    now = datetime.fromisoformat(case.get("validation_time") or "2024-06-01T00:00:00+00:00")
    depth = case.get("max_chain_depth")
    limits = PathLimits() if depth is None else PathLimits(intermediates=depth)
    try:
        (leaf,) = load_certificates(case["peer_certificate"].encode())
        between = [c for pem in case.get("untrusted_intermediates", ()) for c in load_certificates(pem.encode())]
        anchors = [c for pem in case["trusted_certs"] for c in load_certificates(pem.encode())]
        crls = [load_crl(pem.encode()) for pem in case.get("crls", ())]
        rules = PathRules(purpose=purpose, extended_key_usages=SERVER_AUTH, limits=limits)
        validate_path(leaf, between, anchors, now, crls=crls, rules=rules)
    except (WireError, Refused) as error:
        return error.code
    return None


def test_limbo_failures_are_refused_and_refused_successes_are_explained(shared):
    refused, wrong, count = {}, [], 0
    for case in limbo(shared):
        count += 1
        start = time.process_time()
        code = run(case)
        assert time.process_time() - start < 1, case["id"]
        assert code == run(case), case["id"]
        if case["expected_result"] == "FAILURE" and code is None:
            wrong.append(case["id"])
        if case["expected_result"] == "SUCCESS" and code is not None:
            refused[case["id"]] = code
    assert count == 69
    assert wrong == []
    assert refused == REFUSED_THOUGH_VALID


def test_limbo_authority_as_leaf_is_accepted_when_asked_for(shared):
    case = next(case for case in limbo(shared) if case["id"] == "rfc5280::ca-as-leaf")
    assert run(case, LeafPurpose.AUTHORITY) is None


def test_zaz1_to_the_root_key(zaz1, z1, issuer_points):
    root = TrustAnchor.of_key(issuer_points["ZA"][1], authority_name("ZA", 0))
    assert root.key_identifier == issuer_points["ZA"][0]
    good = 0
    for name, der in zaz1.items():
        if name.startswith(("Z1-", "Z1b-")):
            leaf = Certificate.from_der(der)
            path = validate_path(leaf, [z1], [root], leaf.not_before, rules=PathRules(policy=POLICY))
            assert path.certificates == (leaf, z1)
            assert path.anchor == root
            good += 1
    assert good == 25
    authority = PathRules(purpose=LeafPurpose.AUTHORITY, policy=POLICY)
    assert validate_path(z1, [], [root], THEN, rules=authority).leaf == z1
    nameless = TrustAnchor.of_key(issuer_points["ZA"][1])
    assert validate_path(z1, [], [nameless], THEN, rules=authority).leaf == z1
    with pytest.raises(Refused) as caught:
        validate_path(z1, [], [root], THEN)
    assert caught.value.code == "path_leaf_is_authority"


def test_devices_to_their_issuing_key(rtds_entries, issuer_points):
    anchor = TrustAnchor.of_key(issuer_points["E357"][1], authority_name("E357"))
    devices = [Certificate.from_der(e["der"]) for e in rtds_entries if "der" in e]
    devices = [c for c in devices if c.issuer.common_name == "E357"]
    assert len(devices) == 400
    for device in devices:
        assert validate_path(device, [], [anchor], THEN).leaf == device


def test_time_is_an_argument_and_can_be_left_out(zaz1, z1, issuer_points):
    leaf = Certificate.from_der(zaz1["Z1-supplier-ds"])
    root = TrustAnchor.of_key(issuer_points["ZA"][1])
    last = leaf.not_after + timedelta(microseconds=999_999)
    assert validate_path(leaf, [z1], [root], last).leaf == leaf
    for when, code in (
        (leaf.not_after + timedelta(seconds=1), "path_expired"),
        (leaf.not_before - timedelta(microseconds=1), "path_not_yet_valid"),
    ):
        with pytest.raises(Refused) as caught:
            validate_path(leaf, [z1], [root], when)
        assert caught.value.code == code
        assert validate_path(leaf, [z1], [root], when, check_time=False).leaf == leaf


@pytest.fixture(scope="module")
def pki(keys):
    """A root, two authorities that share a name, and makers of certificates below them."""
    root = issue(
        RootAuthorityTemplate(2**125 + 1, authority_name("ZA", 0), THEN, FAR, keys(2).point, POLICY), keys(2).sign
    )

    def authority(subject, key, signer, issuer=None, serial=9, path_length=0, policy=POLICY):
        return issue(
            IssuingAuthorityTemplate(
                2**125 + serial, issuer or root.subject, THEN, FAR, subject, keys(key).point, policy,
                method2_ski(keys(signer).point), path_length,
            ),
            keys(signer).sign,
        )  # fmt: skip

    def leaf(signer, issuer, policy=POLICY, serial=77):
        return issue(
            OrganisationTemplate(
                2**125 + serial, issuer, THEN, FAR, 2, Eui64(bytes(8)), KeyUsage.KEY_AGREEMENT, keys(50).point, policy,
                method2_ski(keys(signer).point),
            ),
            keys(signer).sign,
        )  # fmt: skip

    return root, authority, leaf


def refusal(*arguments, **named):
    start = time.process_time()
    with pytest.raises(Refused) as caught:
        validate_path(*arguments, **named)
    assert time.process_time() - start < 1
    return {finding.code for finding in caught.value.findings}


def test_root_certificate_or_key_as_anchor(pki):
    root, authority, leaf = pki
    z1 = authority(authority_name("Z1", 7), 3, 2)
    end = leaf(3, z1.subject)
    for anchor in (root, TrustAnchor.of(root), TrustAnchor.of_key(root.public_key_point)):
        assert validate_path(end, [z1], [anchor], THEN, rules=PathRules(policy=POLICY)).certificates == (end, z1)
    assert refusal(end, [], [root], THEN) == {"path_no_issuer"}
    assert refusal(end, [z1], [], THEN) == {"path_no_issuer"}


def test_policy(pki):
    root, authority, leaf = pki
    z1 = authority(authority_name("Z1", 7), 3, 2)
    other = leaf(3, z1.subject, policy="1.2.3.4")
    assert refusal(other, [z1], [root], THEN) == {"path_policy_conflict"}
    assert refusal(other, [z1], [root], THEN, rules=PathRules(policy=POLICY)) == {"path_policy_missing"}


def test_path_length(pki):
    root, authority, leaf = pki
    upper = authority(authority_name("A", 7), 3, 2)
    lower = authority(authority_name("B", 7), 4, 3, upper.subject)
    end = leaf(4, lower.subject)
    assert refusal(end, [upper, lower], [root], THEN) == {"path_length_exceeded"}
    upper = authority(authority_name("A", 7), 3, 2, path_length=1)
    assert len(validate_path(end, [upper, lower], [root], THEN).certificates) == 3
    assert "path_too_long" in refusal(
        end, [upper, lower], [root], THEN, rules=PathRules(limits=PathLimits(intermediates=1))
    )


def test_a_device_key_cannot_issue(pki, keys):
    root, authority, leaf = pki
    dca = authority(authority_name("E357"), 3, 2)
    device = issue(
        DeviceTemplate(2**125 + 5, dca.subject, THEN, Eui64(bytes(8)), KeyUsage.KEY_AGREEMENT, keys(6).point, POLICY,
                       dca.subject_key_identifier),
        keys(3).sign,
    )  # fmt: skip
    end = leaf(6, device.subject)
    assert "path_issuer_empty" in refusal(end, [device, dca], [root], THEN)


def test_hundred_intermediates_with_one_subject_and_key(pki):
    root, authority, leaf = pki
    name = authority_name("Z1", 7)
    same = [authority(name, 3, 3, name, serial, 99) for serial in range(100)]
    end = leaf(3, name)
    assert refusal(end, same, [root], THEN) == {"path_no_issuer"}
    honest = authority(name, 3, 2, serial=500, path_length=99)
    assert validate_path(end, [*same, honest], [root], THEN).certificates == (end, honest)


def test_hundred_intermediates_with_one_subject_and_many_keys(pki, keys):
    root, authority, leaf = pki
    name = authority_name("Z1", 7)
    others = [authority(name, 100 + n, 3, name, n, 99) for n in range(100)]
    start = authority(name, 3, 99, name, 200, 99)
    assert refusal(leaf(3, name), [start, *others], [root], THEN)


def test_two_authorities_in_a_loop(pki):
    root, authority, leaf = pki
    a, b = authority_name("A", 7), authority_name("B", 7)
    loop = [authority(a, 3, 4, b, 1, 9), authority(b, 4, 3, a, 2, 9)]
    assert refusal(leaf(3, a), loop, [root], THEN) == {"path_no_issuer"}


def test_255_deep(pki):
    root, authority, leaf = pki
    chain, issuer, signer = [], root.subject, 2
    for n in range(255):
        name = authority_name(f"C{n}", 7)
        chain.append(authority(name, 300 + n, signer, issuer, n + 1, 255 - n))
        issuer, signer = name, 300 + n
    end = leaf(signer, issuer)
    assert refusal(end, chain, [root], THEN) == {"path_too_long"}
    deep = PathRules(limits=PathLimits(intermediates=255, length=256, signature_checks=20))
    assert "path_search_exhausted" in refusal(end, chain[::-1], [root], THEN, rules=deep)


def test_revocation(pki, keys):
    root, authority, leaf = pki
    z1 = authority(authority_name("Z1", 7), 3, 2)
    end = leaf(3, z1.subject)

    def crl(signer, issuer, entries=(), start=THEN):
        template = CrlTemplate(issuer, start, start + timedelta(hours=48), 1, method2_ski(keys(signer).point), entries)
        return issue_crl(template, keys(signer).sign)

    clean = crl(3, z1.subject)
    assert validate_path(end, [z1], [root], THEN, crls=[clean]).leaf == end
    listed = crl(3, z1.subject, (encode_crl_entry(end.serial, THEN, 1),))
    assert refusal(end, [z1], [root], THEN, crls=[listed]) == {"path_certificate_revoked"}
    upper = crl(2, root.subject, (encode_crl_entry(z1.serial, THEN),))
    assert refusal(end, [z1], [root], THEN, crls=[upper]) == {"path_certificate_revoked"}
    key_only = TrustAnchor.of_key(root.public_key_point)
    assert refusal(end, [z1], [key_only], THEN, crls=[upper]) == {"path_certificate_revoked"}
    forged = crl(4, z1.subject)
    assert refusal(end, [z1], [root], THEN, crls=[forged]) == {"crl_signature_wrong"}
    stale = crl(3, z1.subject, start=THEN - timedelta(days=30))
    assert refusal(end, [z1], [root], THEN, crls=[stale]) == {"crl_out_of_date"}
