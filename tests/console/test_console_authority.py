"""A certificate of fifteen years and a pack, asked for, viewed, decided, issued and published by different people."""

import json
import subprocess
import sys

import pytest

from authority_world import DS, RECOVERY, SUPPLIER, organisation_csr
from trustcell.certs import load_certificates
from trustcell.packs import unseal
from trustcell.vocab import RemotePartyRole

CSR = organisation_csr(RemotePartyRole.RECOVERY, RECOVERY, DS, "a new recovery key")
TEN_YEARS = organisation_csr(RemotePartyRole.SUPPLIER, SUPPLIER, DS, "a new supplier key")


def pem(der: bytes) -> str:
    import base64

    text = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"


def draft(visitor, name="PMA-15", **more):
    values = {
        "kind": "VALIDITY", "csr_text": pem(CSR), "years": "14", "purpose": "dcc", "expires": "2027-12-31",
        "rationale": "one pack to 2041", **more,
    }  # fmt: skip
    return visitor.send(visitor.get("/console/approvals"), "/console/approvals", name=name, **values)


def view(visitor, name="PMA-15"):
    page = visitor.get(f"/console/approvals/{name}")
    path = f"/console/approvals/{name}/ssc-view"
    return visitor.send(page, path, position="oppose", reference="SSC 7", text="too long")


def decide(visitor, name="PMA-15", **more):
    values = {"meeting": "PMA 12", "minute": "3", "quorum": "five of seven", "considered": "read and weighed", **more}
    return visitor.send(visitor.get(f"/console/approvals/{name}"), f"/console/approvals/{name}/decision", **values)


def submit(visitor, csr=CSR, years="14", approvals="PMA-15"):
    page = visitor.get("/console/certificates")
    return visitor.send(
        page,
        "/console/certificates/requests",
        files={"csr": csr},
        clock="right",
        years=years,
        approvals=approvals,
        purpose="dcc",
    )


def issue(visitor, page):
    form = next(each for each in page.tree.forms if each.get("action", "").endswith("/issue"))
    return visitor.send(page, form.get("action"), clock="right")


@pytest.fixture
def ada(signed_in):
    return signed_in("ada", "requester", person="ada")


@pytest.fixture
def ian(signed_in):
    return signed_in("ian", "issuer", person="ian")


def test_from_the_draft_to_the_evidence_bundle(signed_in, ada, ian, clock, tmp_path):
    assert draft(ada).title == "Approval PMA-15"
    sue, pat = signed_in("sue", "approver", person="sue"), signed_in("pat", "approver", person="pat")
    assert "oppose on" in view(sue).text
    clock.later(minutes=1)
    page = decide(pat)
    assert "Certificates can be issued under it" in page.text
    assert "14 years from issue" in page.text
    page = submit(ada)
    assert "State: APPROVED" in page.text
    page = issue(ian, ian.get(page.path))
    assert page.title.startswith("Certificate")
    made = load_certificates(ian.get(f"{page.path}/certificate.pem").body)[0]
    assert made.not_after.year == 2040
    assert "1 of 1 used" in ada.get("/console/approvals/PMA-15").text
    bundle = tmp_path / "evidence.jsonl"
    bundle.write_bytes(ian.get(f"{page.path}/evidence").body)
    verdict = subprocess.run(
        [sys.executable, "-m", "trustcell_audit", "bundle", str(bundle), "--json"], capture_output=True, check=False
    )
    assert json.loads(verdict.stdout)["ok"]


def test_the_diff_is_of_what_would_be_issued_beside_what_is_there(ada, authority):
    page = draft(ada)
    lines = page.tree.xpath("//table//tr")[1:]
    rows = {line.findtext("th"): [cell.text_content() for cell in line.findall("td")] for line in lines}
    held = [
        record for record in authority.repository.search(_recovery(), authority.now()).records if not record.imported
    ]
    newest = max(held, key=lambda record: record.issued_at)
    assert rows["public key"][0] == newest.key.hex()
    assert rows["public key"][2] == "differs"
    assert rows["subject"][2] == "the same"
    assert rows["ends"][:2] == [f"{newest.not_after:%Y-%m-%dT%H:%M:%SZ}", "14 years from issue"]


def _recovery():
    from trustcell.smki.rules.records import Family, Query

    return Query(entity_id=RECOVERY, role=RemotePartyRole.RECOVERY, family=Family.ORGANISATION)


def test_who_asks_does_not_decide_whatever_role_the_account_has(signed_in, ada, authority):
    draft(ada)
    view(signed_in("sue", "approver", person="sue"))
    both = signed_in("ada twice", "requester", "approver", person="ada")
    page = decide(both)
    assert page.status == 409
    assert "capacity_missing" in page.text
    assert "None yet" in ada.get("/console/approvals/PMA-15").text


def test_who_asks_does_not_issue(signed_in, ada):
    page = submit(ada, years="10", approvals="")
    both = signed_in("ada twice", "issuer", person="ada")
    refused = issue(both, both.get(page.path))
    assert refused.status == 409
    assert "State: APPROVED" in ada.get(page.path).text


def test_fifteen_years_without_an_approval_are_refused_by_clause(ada):
    page = submit(ada, approvals="")
    assert page.status == 409
    assert "6.3.2" in page.text
    assert "Nothing was changed" in page.text


def test_a_draft_that_changed_meanwhile_is_not_decided(signed_in, ada):
    draft(ada)
    sue = signed_in("sue", "approver", person="sue")
    old = sue.get("/console/approvals/PMA-15")
    draft(ada, rationale="another reason")
    page = sue.send(old, "/console/approvals/PMA-15/ssc-view", position="support", reference="SSC 7", text="fine")
    assert page.status == 409
    assert "approval_digest_mismatch" in page.text


def test_an_account_of_nobody_signs_nothing(signed_in):
    visitor = signed_in("temp", "requester")
    page = draft(visitor)
    assert page.status == 400
    assert "trustcell account make --person" in page.text


def test_a_pack_is_looked_at_published_and_compared(signed_in, authority):
    paula = signed_in("paula", "issuer", person="paula")
    assert "dcc version 1" in paula.get("/console/packs").text
    page = paula.get("/console/packs/diff?old=dcc:1&new=dcc:2")
    assert "Same to every device, different in every date" in page.text
    page = paula.send(paula.get("/console/packs"), "/console/packs/draft", name="dcc", version="3")
    assert page.status == 409, "two certificates would fit each cell"
    page = draft_pack(paula, authority)
    assert "version 3" in page.title
    before = len(authority.packs.listed())
    page = paula.send(page, "/console/packs")
    assert page.title == "Pack dcc version 3"
    assert "Verified: manifest, seal, certificates, cells." in page.text
    assert len(authority.packs.listed()) == before + 1
    octets = paula.get("/console/packs/dcc/3/pack.zip")
    assert unseal(octets.body).pack.version == 3
    assert octets.header("content-disposition") == 'attachment; filename="dcc-3.zip"'


def draft_pack(visitor, authority):
    newest = unseal(authority.packs.published("dcc", 2)).pack.newest
    held = [each for cells in newest.cells.values() for each in cells.values() if each.entity_id is not None]
    chosen = " ".join({f"{each.issuer.common_name}/{each.serial:X}" for each in held})
    page = visitor.get("/console/packs")
    return visitor.send(page, "/console/packs/draft", name="dcc", version="3", certificates=chosen)


def test_who_packs_not_publishes_no_pack(ian, authority):
    page = draft_pack(ian, authority)
    page = ian.send(page, "/console/packs")
    assert page.status == 409
    assert ian.get("/console/packs/dcc/3").status in (404, 409)


def test_a_certificate_shows_fields_chain_checks_and_who_shares_its_key(signed_in):
    visitor = signed_in("viola", "viewer")
    listed = visitor.get("/console/certificates?pack=dcc")
    page = visitor.get(next(each for each in listed.links() if each.startswith("/console/certificates/T1/")))
    text = page.text
    assert "C11" in text
    assert "the same to a device" in text
    assert len([each for each in page.links() if each.startswith("/console/certificates/T")]) >= 3
    fields = {row.findtext("td") for row in page.tree.xpath("//table//tr")}
    assert {"keyUsage", "validity", "certificatePolicies"} <= fields


SEARCHES = {"entity=90-B3-D5-1F-30-00-00-01": 2, "role=recovery": 2, "status=expired": 1, "ends=3650": 1}


@pytest.mark.parametrize(("query", "least"), SEARCHES.items())
def test_a_search_narrows(signed_in, query, least):
    visitor = signed_in("viola", "viewer")
    everything = len(visitor.get("/console/certificates").tree.xpath("//tbody/tr"))
    found = visitor.get(f"/console/certificates?{query}")
    assert found.status == 200
    assert least <= len(found.tree.xpath("//tbody/tr")) <= everything + 10


@pytest.mark.parametrize("query", ["entity=nobody", "role=king", "ski=zz", "ends=soon", "status=x"])
def test_a_search_that_cannot_be_is_told(signed_in, query):
    assert signed_in("viola", "viewer").get(f"/console/certificates?{query}").status == 400


def test_the_calendar_comes_in_every_form(signed_in, clock):
    visitor = signed_in("viola", "viewer")
    page = visitor.get("/console/calendar?years=60")
    rows = len(page.tree.xpath("//tbody/tr"))
    assert rows > 10
    assert len(json.loads(visitor.get("/console/calendar/calendar.json?years=60").body)) == rows
    assert visitor.get("/console/calendar/calendar.ics?years=60").body.count(b"BEGIN:VEVENT") == rows
    assert visitor.get("/console/calendar/calendar.csv?years=60").body.count(b"\n") >= rows
    assert visitor.get("/console/calendar/calendar.exe").status == 404
    assert visitor.get("/console/calendar?years=7").status == 400


def test_the_audit_program_is_asked_and_a_changed_log_is_found(signed_in, door, authority):
    import sqlite3
    import time

    otto = signed_in("otto", "auditor", person="otto")

    def verify():
        page = otto.send(otto.get("/console/audit"), "/console/audit/verify")
        job = door.jobs.of("audit")[0]
        end = time.monotonic() + 30
        while job.result is None and not job.problem and time.monotonic() < end:
            page = otto.get("/console/audit")
        return otto.get("/console/audit").text if page else ""

    assert "found nothing wrong" in verify()
    export = otto.get("/console/audit/export").body
    assert export.count(b"\n") > 20
    with sqlite3.connect(authority.folder / "trustcell.db") as books:
        for (trigger,) in books.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {trigger}")  # who has the file can do more than the product does
        ((octets,),) = books.execute("SELECT octets FROM audit_entry WHERE seq = 5")
        books.execute("UPDATE audit_entry SET octets = ? WHERE seq = 5", (octets.replace(b"2016", b"2017", 1),))
    assert "found problems" in verify()


def test_home_tells_what_waits_for_whom(signed_in, ada):
    draft(ada)
    text = ada.get("/console").text
    assert "approval PMA-15: waits for the SSC's view" in text
    view(signed_in("sue", "approver", person="sue"))
    assert "approval PMA-15: waits for the decision of the SMKI PMA" in ada.get("/console").text
    submit(ada, csr=organisation_csr(RemotePartyRole.RECOVERY, RECOVERY, DS, "another"), years="10", approvals="")
    assert "waits for an issuer" in ada.get("/console").text
