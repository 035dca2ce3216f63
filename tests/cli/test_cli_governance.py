"""``trustcell party`` and ``trustcell approval`` on a real home: what a registrar, an ARO and two secretaries do."""

import json

import pytest
from typer.testing import CliRunner

from authority_world import make_world
from trustcell.app import home as homes
from trustcell.cli import app
from trustcell.governance.rules.canonical import moment


class Home:
    """A world of files opened as a home; ``run`` is one command, a minute after the last."""

    def __init__(self, folder):
        self.world, self.folder, self.runner = make_world(folder), folder, CliRunner()

    def run(self, *words: str, code: int = 0, at: str = "") -> str:
        group, command = words[:2]
        self.world.later(minutes=1)
        options = ["--home", str(self.folder)]
        if (group, command) != ("csr", "make"):
            options += ["--at", at or moment(self.world.now)]
        done = self.runner.invoke(app, [*words, *(options if group != "csr" else [])])
        assert done.exit_code == code, f"{words}: {done.exit_code}\n{done.output}{done.stderr}\n{done.exception!r}"
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str, **named):
        return json.loads(self.run(*words, "--json", **named))

    def audit(self):
        return self.world.audit()


@pytest.fixture
def home(tmp_path, monkeypatch):
    made = Home(tmp_path / "home")
    opened = made.world

    def open_home(folder, *, pin=None):
        assert folder == made.folder
        home = homes.Home(
            folder, opened.environment, opened.store, opened.random, homes.KeystorePlace(), lambda: "a pin for tests"
        )
        vars(home).update(people=opened.people, hierarchy=opened.hierarchy, keystore=opened.keystore)
        return home

    monkeypatch.setattr(homes, "open_home", open_home)
    yield made
    opened.close()


def csr(home, name="c", usage="DS", role="accessControlBroker", eui="90-B3-D5-1F-30-00-00-02"):
    file = home.folder / f"{name}.pem"
    home.run("csr", "make", "--role", role, "--eui", eui, "--usage", usage, "--key", f"{file}.key", "--out", str(file))
    return str(file)


def draft(home, *more, name="V-1", code=0):
    words = ("approval", "draft", name, "--kind", "validity", "--expires", "2025-01-01", "--rationale", "the pack ends",
             "--as", "ada", *more)  # fmt: skip
    return home.run(*words, code=code) if code else home.json(*words)


def view(home, digest, name="V-1", code=0, position="oppose"):
    words = ("approval", "ssc-view", name, "--digest", digest, "--date", "2024-03-01", "--reference", "SSC 24/03",
             "--position", position, "--text", "rather not", "--as", "sue")  # fmt: skip
    return home.run(*words, code=code)


def decide(home, digest, *more, name="V-1", code=0, considered="the view was read out"):
    words = ("approval", "decide", name, "--digest", digest, "--date", "2024-03-01", "--meeting", "PMA 24/04",
             "--minute", "4.2", "--quorum", "five of seven", "--considered", considered, "--as", "pat",
             *more)  # fmt: skip
    return home.run(*words, code=code)


def test_an_approval_from_the_csr_to_the_certificate(home):
    request = csr(home)
    paper = home.folder / "case.txt"
    paper.write_text("the case")
    drafted = draft(home, "--csr", request, "--years", "17", "--document", str(paper))
    assert (drafted["state"], drafted["version"], drafted["max_certificates"]) == ("draft", 1, 1)
    digest = drafted["digest"][:10]
    assert "ssc_view_missing" in decide(home, digest, "--approve", code=1)
    assert home.audit()[-1] == ("governance.refused", "V-1")
    view(home, digest)
    assert "ssc_views_not_considered" in decide(home, digest, "--approve", code=1, considered="")
    decide(home, digest, "--approve")

    shown = home.json("approval", "show", "V-1")
    assert shown["usable"]
    assert all(check["met"] for check in shown["checks"])
    assert len(shown["checks"]) == 12
    assert shown["ssc_view"]["position"] == "oppose"
    (asked,) = shown["requests"]
    named = json.loads(home.runner.invoke(app, ["csr", "show", request, "--years", "17", "--json"]).stdout)
    assert asked["request"] == named["request"]
    assert (asked["role"], asked["key_usage"], asked["years"]) == (4, "digitalSignature", 17)
    assert asked["key_sha256"] == named["key_sha256"]
    text = home.run("approval", "show", "V-1")
    for words in (
        "oppose on 2024-03-01",
        "minute 4.2",
        "exactly 17 years",
        named["key_sha256"],
        "can be issued under it",
    ):
        assert words in text

    made = home.json("smki", "request", request, "--years", "17", "--approval", "V-1", "--as", "ada")
    issued = home.json("smki", "issue", made["request"], "--as", "ian")
    after = home.json("approval", "show", "V-1")
    assert (after["state"], after["usable"], after["used_by"][0]["serial"]) == ("exhausted", False, issued["serial"])
    assert after["requests"][0]["state"] == "LODGED"
    wrong = [check["check"] for check in after["checks"] if not check["met"]]
    assert wrong == ["there are uses left"]
    assert "nothing can be issued under it now: 1 of 1 used" in home.run("approval", "show", "V-1")


def test_an_edited_document_is_told(home):
    paper = home.folder / "case.txt"
    paper.write_text("the case")
    drafted = draft(home, "--csr", csr(home), "--years", "17", "--document", str(paper))
    view(home, drafted["digest"])
    decide(home, drafted["digest"], "--approve")
    kept = next(each for each in (home.folder / "evidence").iterdir() if each.read_bytes() == b"the case")
    kept.write_bytes(b"another case")
    shown = home.json("approval", "show", "V-1")
    assert not shown["usable"]
    codes = [finding["code"] for check in shown["checks"] for finding in check["findings"]]
    assert codes == ["evidence_hash_mismatch"]


def test_a_draft_that_was_not_read_is_not_decided(home):
    drafted = draft(home, "--csr", csr(home), "--years", "17")
    assert "approval_digest_mismatch" in view(home, "0" * 10, code=1)
    assert "approval_digest_mismatch" in view(home, drafted["digest"][:7], code=1)
    assert "approval_not_found" in view(home, drafted["digest"], name="V-2", code=1)


def test_versions_and_withdrawal(home):
    request = csr(home)
    first = draft(home, "--csr", request, "--years", "17")
    view(home, first["digest"])
    decide(home, first["digest"], "--approve")
    second = draft(home, "--csr", request, "--years", "16", "--at-most", "--max", "3")
    assert (second["version"], second["max_certificates"]) == (2, 3)
    assert home.json("approval", "show", "V-1", "--version", "1")["usable"]
    newest = home.json("approval", "show", "V-1")
    assert (newest["version"], newest["counts"], newest["usable"]) == (2, False, False)
    assert "another version counts" in home.run("approval", "show", "V-1")
    view(home, second["digest"], position="no-view")
    decide(home, second["digest"], "--reject", considered="")
    assert home.json("approval", "list")[0]["state"] == "rejected"
    assert "approval_rejected" in home.run("approval", "withdraw", "V-1", "--reason", "x", "--as", "pat", code=1)
    third = draft(home, "--csr", request, "--years", "18")
    home.run("approval", "withdraw", "V-1", "--reason", "no longer needed", "--as", "pat")
    assert home.json("approval", "show", "V-1", "--version", "1")["state"] == "withdrawn"
    assert "approval_withdrawn" in view(home, third["digest"], code=1)
    assert "V-1" in home.run("approval", "list")
    assert "approval_not_found" in home.run("approval", "show", "V-9", code=1)


def test_a_scope_for_repeated_keys(home):
    request = csr(home)
    words = ("--csr", request, "--years", "17", "--purpose", "pack 2", "--kind", "key_reuse")
    drafted = draft(home, *words, name="R-1")
    scope = home.json("approval", "show", "R-1")["scope"]
    key = json.loads(home.runner.invoke(app, ["csr", "show", request, "--json"]).stdout)["key_sha256"]
    assert (scope["keys"], scope["roles"], scope["years"], scope["purpose"]) == (
        [key],
        ["accessControlBroker"],
        None,
        "pack 2",
    )
    assert drafted["legal_basis"].startswith("SEC L11.4B(a)")
    other = csr(home, "s", role="supplier", eui="90-B3-D5-1F-30-01-00-00")
    refused = draft(home, "--csr", other, "--kind", "key_reuse", name="R-2", code=1)
    assert "SEC L11.4B(b)" in refused
    assert "approval_names_no_request" in draft(home, "--role", "recovery", "--years", "17", name="V-3", code=1)


def test_wrong_use(home):
    draft(home, "--csr", csr(home), "--years", "51", code=2)
    draft(home, "--csr", csr(home), "--years", "17", "--not-after", "2041-01-01", code=2)
    draft(home, "--csr", str(home.folder / "nothing.pem"), "--years", "17", code=1)
    home.run("party", "capacity", "ada", "--as", "registrar", code=2)
    home.run(
        "party", "add", "x", "--title", "X", "--kind", "supplier", "--eui", "12=supplier", "--as", "registrar", code=2
    )


def test_parties_and_people(home):
    made = home.json(
        "party", "add", "s2", "--title", "Second", "--kind", "supplier", "--eui",
        "90-B3-D5-1F-30-03-00-00=supplier,xmlSign", "--subscribes", "organisation", "--as", "registrar",
    )  # fmt: skip
    assert made["entities"] == {"90-B3-D5-1F-30-03-00-00": ["supplier", "xmlSign"]}
    changed = home.json("party", "change", "s2", "--title", "Second Supplier", "--as", "registrar")
    assert (changed["title"], changed["entities"], changed["subscribes"]) == (
        "Second Supplier",
        made["entities"],
        ["organisation"],
    )
    assert home.json("party", "user", "s2", "--yes", "--as", "registrar")["dcc_user"]
    assert "capacity_missing" in home.run("party", "user", "s2", "--no", "--as", "ada", code=1)
    assert home.audit()[-1] == ("governance.refused", "s2")
    assert home.json("party", "leave", "gas-network", "--reference", "letter", "--as", "gwen")["leaving_since"]
    assert "gave notice" in home.run("party", "show", "gas-network")
    assert home.json("party", "stay", "gas-network", "--reference", "letter 2", "--as", "gwen")["leaving_since"] is None
    assert "auditor_states_nothing" in home.run(
        "party", "stay", "gas-network", "--reference", "x", "--as", "otto", code=1
    )
    everything = home.json("party", "list")
    assert {"dcc", "s2"} <= {each["party"] for each in everything["parties"]}
    assert "pat" in {each["person"] for each in everything["people"]}
    text = home.run("party", "list")
    assert " s2 " in text
    assert " pat " in text
    assert "party_unknown" in home.run("party", "show", "nobody", code=1)


def test_a_person_with_a_credential_of_her_own(home):
    words = ("party", "person", "nina", "--title", "Nina", "--identity", "Nina in person", "--as", "registrar")
    person = home.json(*words, "--capacity", "aro", "--for", "dcc")
    assert (person["capacities"], person["acts_for"]) == (["aro"], ["dcc"])
    assert (home.folder / "people" / "nina.pem").is_file()
    assert draft(home, "--csr", csr(home), "--years", "17", "--as", "nina")["requested_by"] == "nina"
    assert "person_known" in home.run(*words, code=1)
    gone = home.json("party", "capacity", "nina", "--withdraw", "aro", "--reason", "left", "--as", "registrar")
    assert gone["capacities"] == []
    assert "capacity_missing" in draft(home, "--csr", csr(home, "d"), "--years", "17", "--as", "nina", code=1)
    assert "statement_malformed" in home.run(
        "party", "capacity", "pat", "--withdraw", "pma", "--as", "registrar", code=1
    )
    back = home.json("party", "capacity", "nina", "--grant", "ssc", "--as", "registrar")
    assert back["capacities"] == ["ssc"]
    assert "no aro since" in home.run("party", "show", "nina")


def test_a_person_whose_key_never_leaves_her(home, tmp_path):
    from governance.governance_world import info_of, rsa_sign
    from trustcell import certs

    request, issued = tmp_path / "nora.csr", tmp_path / "nora.pem"
    request.write_bytes(certs.iki_csr("DCC", 4, "nora", info_of("nora"), lambda octets: rsa_sign("nora", octets)))
    words = ("party", "person", "nora", "--title", "Nora", "--identity", "Nora", "--as", "registrar")
    person = home.json(*words, "--csr", str(request), "--certificate", str(issued))
    (held,) = certs.load_certificates(issued.read_bytes())
    assert person["certificates"] == [held.sha256.hex()]
    assert not (home.folder / "people" / "nora.pem").exists()


def test_the_register_of_yesterday(home):
    before = moment(home.world.now)
    home.run("party", "leave", "gas-network", "--reference", "letter", "--as", "gwen")
    assert home.json("party", "show", "gas-network", at=before)["leaving_since"] is None
    assert home.json("party", "show", "gas-network")["leaving_since"]
