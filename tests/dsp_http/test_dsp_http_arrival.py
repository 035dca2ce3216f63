"""A network operator arrives: only as a DCC User with certificates in the repository; it is told its first number."""

import pytest

from served_lab import NO_DS, OPERATOR

HIGH = 2**62


@pytest.fixture
def departed(home):
    """A GPF whose operator has left with a high counter."""
    home.gone(HIGH)
    assert home.lab.slot(NO_DS, home.gpf).startswith("90-B3-D5-1F-30-00-00-02")
    return home


def status_of(lab, status):
    user = {"roles": ["GT", "ED"], "status": status, "callback": lab.users.address}
    answer = lab.api("PUT", f"/api/users/{OPERATOR}", user)
    assert answer.status in (200, 201)


def test_a_user_with_certificates_is_placed_and_told_its_first_number(departed):
    """N42 says which number the device keeps: the first usable one is the next."""
    lab, before = departed.lab, len(departed.lab.users.got)
    departed.take()
    lab.wait(lambda: lab.slot(NO_DS, departed.gpf) == str(OPERATOR))

    lab.wait(lambda: any(b"N42" in octets for octets in list(lab.users.got)[before:]))
    octets = next(octets for octets in list(lab.users.got)[before:] if b"N42" in octets)
    stored = departed.device.usc(NO_DS.role)
    assert f"<sr:RemotePartyFloorSeqNumber>{stored}<".encode() in octets
    assert stored > HIGH


def test_who_is_no_user_is_not_placed(departed):
    lab = departed.lab
    status_of(lab, "suspended")
    try:
        answer = lab.ask(departed.handover())
    finally:
        status_of(lab, "active")
    assert answer.code == "E062101"
    (line,) = [each for each in lab.trail() if each["reference"] == answer.reference]
    (finding,) = line["facts"]["findings"]
    assert (finding["code"], finding["clause"]) == ("operator_not_a_user", "SECMP0128A requirement 2")
    assert lab.slot(NO_DS, departed.gpf).startswith("90-B3-D5-1F-30-00-00-02")
    departed.take()
    lab.wait(lambda: lab.slot(NO_DS, departed.gpf) == str(OPERATOR))


def test_a_certificate_the_repository_has_not_is_not_placed(departed):
    """Of somebody who is a user, by an authority that nobody knows."""
    from datetime import UTC, datetime

    from trustcell.stories.hierarchy import Authority
    from trustcell.vocab import KeyUsage, RemotePartyRole

    foreign = Authority(b"somebody else", datetime(2024, 3, 1, tzinfo=UTC)).organisation(
        "operator", RemotePartyRole.NETWORK_OPERATOR, OPERATOR, KeyUsage.DIGITAL_SIGNATURE
    )
    answer = departed.lab.ask(departed.handover(digital_signing_certificate=foreign.certificate.der))
    assert answer.code == "E062101"
    (line,) = [each for each in departed.lab.trail() if each["reference"] == answer.reference]
    assert line["facts"]["findings"][0]["code"] == "operator_certificate_unknown"
    assert departed.lab.slot(NO_DS, departed.gpf).startswith("90-B3-D5-1F-30-00-00-02")
