"""What the services answer for each status, for members of packs, for altered records, and for lists."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from smki.smki_certificates import DEVICE, KA, NOW, SUPPLIER, SmallAuthority, record, repository_of
from trustcell.app.serve import RepositoryDoor
from trustcell.smki.rules.records import Family, ListRecord
from trustcell.vocab import Unavailable
from trustcell.web import repository_app
from web.asgi import call
from web.serving import data_request, search_request


@pytest.fixture(scope="module")
def authority():
    return SmallAuthority()


def application(repository, **settings):
    return repository_app(RepositoryDoor(repository, lambda: NOW, lambda size: b"\x5a" * size, **settings))


def search(app, **fields):
    return call(app, "POST", "/services/certificatesearch", search_request(**fields).encode())


def retrieve(app, number: int):
    return call(app, "POST", "/services/retrievecertificate", data_request(f"{number:X}").encode())


STATUSES = {
    "P": {"lodged_at": None},
    "I": {},
    "N": {"superseded_at": NOW},
    "R": {"revoked_at": NOW, "superseded_at": NOW, "lodged_at": None},
}


@pytest.mark.parametrize(("status", "changed"), STATUSES.items())
def test_status_of_a_certificate(tmp_path, authority, status, changed):
    kept = record(authority.organisation("x"), **changed)
    app = application(repository_of(tmp_path, kept))
    listed = etree.fromstring(search(app, CertificateSubjectName=str(SUPPLIER)).body)
    given = etree.fromstring(retrieve(app, kept.serial).body)
    assert listed.findtext("Result/CertificateStatus") == given.findtext(".//CertificateStatus") == status
    assert search(app, CertificateSubjectName=str(SUPPLIER), CertificateStatus=status).status == 200
    other = "I" if status != "I" else "R"
    assert search(app, CertificateSubjectName=str(SUPPLIER), CertificateStatus=other).status == 402


def test_an_expired_certificate_is_e(tmp_path, authority):
    kept = record(authority.organisation("x", years=1))
    door = RepositoryDoor(repository_of(tmp_path, kept), lambda: NOW + timedelta(days=500), bytes)
    listed = etree.fromstring(search(repository_app(door), CertificateSubjectName=str(SUPPLIER)).body)
    assert listed.findtext("Result/CertificateStatus") == "E"


def test_members_of_a_pack_carry_the_flag(tmp_path, authority):
    inside, outside = record(authority.organisation("inside")), record(authority.organisation("outside", usage=KA))
    repository = repository_of(tmp_path, inside, outside)
    with repository.store.transaction(NOW) as books:
        books.documents.put("pack", "P 1", {"certificates": [["T1", f"{inside.serial:X}"]]})
        books.audit.append("pack.published", "P", {}, NOW)
    app = application(repository)
    listed = etree.fromstring(search(app, CertificateSubjectName=str(SUPPLIER)).body)
    flags = {int(r.findtext("CertificateSerial"), 16): r.findtext("ManufacturingFlag") for r in listed.iter("Result")}
    assert flags == {inside.serial: "true", outside.serial: "false"}
    assert etree.fromstring(retrieve(app, inside.serial).body).findtext(".//ManufacturingFlag") == "true"


def test_an_altered_certificate_is_not_served(tmp_path, authority):
    """C14: neither alone nor in a list that would look complete without it."""
    good, other = record(authority.organisation("good")), record(authority.device("other"))
    bad = record(authority.organisation("bad", usage=KA))
    bad = replace(bad, der=bad.der[:-1] + bytes([bad.der[-1] ^ 1]))
    app = application(repository_of(tmp_path, good, bad, other))
    for answer in (retrieve(app, bad.serial), search(app, CertificateSubjectName=str(SUPPLIER))):
        assert answer.status == 500
        assert etree.fromstring(answer.body).findtext("ResponseCode") == "500"
        assert b"[certificate_altered]" in answer.body
        assert base64.b64encode(bad.der) not in answer.body
    assert retrieve(app, good.serial).status == 200
    assert search(app, CertificateSubjectAltName=str(DEVICE)).status == 200


def test_credentials_of_people_are_not_in_the_repository(tmp_path, authority):
    person = replace(record(authority.organisation("person")), family=Family.IKI)
    app = application(repository_of(tmp_path, person, anchors={}))
    assert retrieve(app, person.serial).status in (402, 500)
    assert b"CertificateBody" not in retrieve(app, person.serial).body
    assert search(app, CertificateSubjectName=str(SUPPLIER)).status == 402


def test_an_authority_is_given_out_by_serial(tmp_path, authority):
    app = application(repository_of(tmp_path, record(authority.oca)))
    answer = retrieve(app, authority.oca.serial)
    found = etree.fromstring(answer.body).find("CertificateResponse")
    assert base64.b64decode(found.findtext("CertificateBody")) == authority.oca.der
    assert found.findtext("CertificateSubjectName") == "OU=07, CN=T1"
    assert (found.findtext("CertificateRole"), found.find("CertificateUsage")) == ("7", None)


def test_the_list_that_is_served_is_given_out(tmp_path, authority):
    repository = repository_of(tmp_path, record(authority.oca))
    served = ListRecord("T1", 1, NOW, NOW + timedelta(days=2), b"the octets of the list", False)
    with repository.store.transaction(NOW) as books:
        books.revocations.add_list(served)
        books.audit.append("test", "list", {}, NOW)
    app = application(repository)
    assert call(app, "GET", "/crl/T1.crl").status == 404, "stored but not given out yet"
    with repository.store.transaction(NOW) as books:
        books.revocations.serve("T1", 1)
        books.audit.append("test", "list", {}, NOW)
    for path in ("/crl/T1.crl", "/arl/T1.crl"):
        answer = call(app, "GET", path)
        assert (answer.status, answer.body) == (200, served.der)
        assert answer.headers["content-type"] == "application/pkix-crl"


def test_a_home_has_no_archive_of_keys(tmp_path):
    assert call(application(repository_of(tmp_path)), "GET", "/assets/crypto/org-crypto.zip").status == 404


def test_a_store_that_does_not_answer_is_503(tmp_path):
    class Gone:
        def reading(self):
            raise Unavailable("the database is locked")

    repository = repository_of(tmp_path)
    repository.store = Gone()
    app = application(repository)
    for answer in (retrieve(app, 1), search(app, CertificateSubjectName=str(SUPPLIER)), call(app, "GET", "/health")):
        assert answer.status == 503
    assert call(app, "GET", "/crl/T1.crl").status == 503
