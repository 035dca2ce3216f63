"""Who comes in, what a page may load, what a form has to carry: hostile inputs A2, A3, A8, A9, A12, A13."""

import re
from html import escape

import pytest

from console.visitor import PASSWORD, Visitor, account
from trustcell.app.accounts import ConsoleRole
from trustcell.web import console_app
from trustcell.web.console.application import console_routes
from trustcell.web.console.sessions import COOKIE, IDLE_SECONDS

PAGES = tuple(
    f"/console{each}"
    for each in (
        "", "/certificates", "/approvals", "/packs", "/calendar", "/audit", "/studies", "/sit", "/decoder", "/password",
    )
)  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, "/console/nothing", "/console/packs/dcc/1/pack.zip"])
def test_nobody_sees_a_page_without_signing_in(stranger, path):
    page = stranger.get(path, follow=False)
    assert (page.status, page.header("location"), page.body) == (303, "/console/sign-in", b"")


@pytest.mark.parametrize("path", PAGES)
def test_headers_let_nothing_of_elsewhere_in_and_keep_nothing(signed_in, path):
    page = signed_in("viola", "viewer", "auditor").get(path)
    policy = page.header("content-security-policy")
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert page.header("x-frame-options") == "DENY"
    assert page.header("x-content-type-options") == "nosniff"
    assert page.header("cache-control") == "no-store"
    assert b" style=" not in page.body
    assert not re.search(rb"<script(?! src=)", page.body)
    assert not re.search(rb"\son\w+=", page.body)
    for each in page.tree.xpath("//@src | //link/@href | //@action | //a/@href"):
        assert each.startswith(("/console", "#")) or each == "", each


def test_the_cookie_is_for_the_console_alone_and_no_script_reads_it(stranger, door):
    account(door.accounts, door, "viola", ConsoleRole.VIEWER)
    first = stranger.get("/console/sign-in")
    answer = stranger.post("/console/sign-in", {"name": "viola", "password": PASSWORD}, follow=False)
    cookie = dict(answer.headers)["set-cookie"]
    assert first.status == 200
    assert {"HttpOnly", "SameSite=strict", "Path=/console"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert len(stranger.cookies[COOKIE]) == 64


def test_the_name_of_a_session_is_new_at_every_sign_in(stranger, door):
    account(door.accounts, door, "viola", ConsoleRole.VIEWER)
    stranger.cookies[COOKIE] = "ab" * 32
    stranger.sign_in("viola", PASSWORD)
    first = stranger.cookies[COOKIE]
    stranger.sign_in("viola", PASSWORD)
    assert len({first, stranger.cookies[COOKIE], "ab" * 32}) == 3


def test_a_one_time_password_leads_to_one_of_ones_own_and_nowhere_else(stranger, door):
    once = door.accounts.make("viola", [ConsoleRole.VIEWER], "", door.random)
    page = stranger.sign_in("viola", once)
    assert page.title == "A password of your own"
    assert stranger.get("/console/packs").title == "A password of your own"
    page = stranger.send(page, "/console/password", old=once, new=PASSWORD, again=PASSWORD)
    assert page.title == "Home"
    assert stranger.get("/console/packs").title == "Manufacturing packs"


def test_a_new_password_ends_every_other_session(signed_in, door):
    here, there = signed_in("viola", "viewer"), Visitor(console_app(door))
    there = Visitor(here.application)
    there.sign_in("viola", PASSWORD)
    page = here.get("/console/password")
    here.send(page, "/console/password", old=PASSWORD, new="another one of mine", again="another one of mine")
    assert here.get("/console").title == "Home"
    assert there.get("/console").title == "Sign in"


def test_a_removed_account_is_out_at_once(signed_in, door):
    visitor = signed_in("viola", "viewer")
    door.accounts.remove("viola")
    assert visitor.get("/console").title == "Sign in"


def test_sessions_end_when_nobody_uses_them(signed_in, clock):
    visitor = signed_in("viola", "viewer")
    clock.later(seconds=IDLE_SECONDS - 1)
    assert visitor.get("/console").title == "Home"
    clock.later(seconds=IDLE_SECONDS + 1)
    assert visitor.get("/console").title == "Sign in"


def test_sessions_end_after_a_working_day(signed_in, clock):
    visitor = signed_in("viola", "viewer")
    for _ in range(48):
        assert visitor.get("/console").title == "Home"
        clock.later(minutes=10)
    clock.later(minutes=1)
    assert visitor.get("/console").title == "Sign in"


def test_signing_out_ends_it(signed_in):
    visitor = signed_in("viola", "viewer")
    kept = dict(visitor.cookies)
    assert visitor.send(visitor.get("/console"), "/console/sign-out").title == "Sign in"
    visitor.cookies = kept
    assert visitor.get("/console").title == "Sign in"


def test_a_form_of_another_session_is_refused_and_changes_nothing(signed_in, authority):
    mine, other = signed_in("pat", "approver", person="pat"), signed_in("sue", "approver", person="sue")
    before = authority.store
    with before.reading() as books:
        head = books.audit.head()
    foreign = other.get("/console/approvals/PMA-KEY-REUSE").tree.xpath("//input[@name='form']/@value")[0]
    for token in ("", foreign, "\N{SNOWMAN}"):
        page = mine.post("/console/approvals/PMA-KEY-REUSE/withdraw", {"form": token, "reason": "x"})
        assert (page.status, page.title) == (403, "This form is not from this session")
    with before.reading() as books:
        assert books.audit.head() == head


def test_forms_of_other_sites_come_without_the_cookie_and_get_nowhere(stranger):
    page = stranger.post("/console/approvals/PMA-KEY-REUSE/withdraw", {"reason": "x"}, follow=False)
    assert (page.status, page.header("location")) == (303, "/console/sign-in")


WRITES = (
    ("/console/approvals", "approver"), ("/console/approvals/PMA-KEY-REUSE/ssc-view", "requester"),
    ("/console/approvals/PMA-KEY-REUSE/decision", "requester"), ("/console/approvals/PMA-KEY-REUSE/withdraw", "issuer"),
    ("/console/certificates/requests", "issuer"), ("/console/certificates/requests/0/issue", "requester"),
    ("/console/packs", "approver"), ("/console/sit", "viewer"), ("/console/audit/verify", "operator"),
)  # fmt: skip


@pytest.mark.parametrize("path", [path for path, _ in WRITES if not path.startswith("/console/audit")])
def test_an_auditor_writes_nothing(signed_in, path):
    visitor = signed_in("otto", "auditor", person="otto")
    token = visitor.get("/console").tree.xpath("//input[@name='form']/@value")[0]
    assert visitor.post(path, {"form": token}).status == 403


@pytest.mark.parametrize(("path", "role"), WRITES)
def test_every_write_has_its_role(signed_in, path, role):
    visitor = signed_in("mallory", role)
    token = visitor.get("/console").tree.xpath("//input[@name='form']/@value")[0]
    assert visitor.post(path, {"form": token}).status == 403


def test_no_page_leads_to_keys_or_pins(door, authority):
    names = ("key", "pin", "accounts.json", "people", "keystore")
    for route in console_routes(door):
        parts = route.path.strip("/").split("/")
        assert not set(parts) & set(names), route.path


@pytest.mark.parametrize(
    "path",
    ["/console/static/../accounts.json", "/console/static/..%2f..%2faccounts.json", "/console/static/console.css",
     "/console/packs/..%2f..%2fpin/1/pack.zip", "/console/certificates/../../pin", "/console/reports/..%2fpin"],
)  # fmt: skip
def test_no_path_leads_out(signed_in, path, authority):
    secret = (authority.folder / "pin").read_text().strip()
    page = signed_in("viola", "viewer", "auditor", "operator").get(path)
    assert page.status in (400, 403, 404, 409)
    assert secret.encode() not in page.body


def test_five_wrong_passwords_lock_and_the_sixth_is_429(stranger, door, clock):
    account(door.accounts, door, "viola", ConsoleRole.VIEWER)
    assert [stranger.sign_in("viola", "not it").status for _ in range(6)] == [401] * 5 + [429]
    assert stranger.sign_in("viola", PASSWORD).status == 429
    clock.later(minutes=61)
    assert stranger.sign_in("viola", PASSWORD).title == "Home"


def test_an_address_that_tries_too_fast_is_told_so(stranger):
    told = [stranger.sign_in(f"name {number}", "not it").status for number in range(25)]
    assert told[0] == 401
    assert told[-1] == 429


def test_names_that_nobody_has_are_answered_like_others(stranger, door):
    account(door.accounts, door, "viola", ConsoleRole.VIEWER)
    known, unknown = (stranger.sign_in(name, "not it") for name in ("viola", "vjola"))
    assert known.status == unknown.status == 401
    assert known.body.replace(b"viola", b"") == unknown.body.replace(b"vjola", b"")


def test_sign_in_and_out_stand_in_the_audit_log(signed_in, stranger, authority):
    visitor = signed_in("viola", "viewer")
    visitor.send(visitor.get("/console"), "/console/sign-out")
    stranger.sign_in("viola", "not it")
    with authority.store.reading() as books:
        kinds = [each.kind for each in books.audit.entries() if each.kind.startswith("console.")]
        bodies = [str(each.body) for each in books.audit.entries()]
    assert kinds == ["console.sign_in", "console.sign_out", "console.sign_in_refused"]
    assert not [each for each in bodies if PASSWORD in each or "not it" in each]


def test_without_a_log_nobody_comes_in(stranger, door, authority, monkeypatch):
    account(door.accounts, door, "viola", ConsoleRole.VIEWER)
    from trustcell.vocab import Unavailable

    def fails(*_args, **_named):
        raise Unavailable("no room [storage_full]")

    monkeypatch.setattr(type(authority.store), "transaction", fails)
    page = stranger.sign_in("viola", PASSWORD)
    assert page.status == 503
    assert not stranger.cookies


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_names_with_markup_are_text(signed_in, authority):
    ada = signed_in("ada", "requester", person="ada")
    page = ada.get("/console/approvals")
    made = ada.send(
        page, "/console/approvals", name="PMA-X", kind="VALIDITY", rationale=HOSTILE, purpose="dcc", years="17",
        csr_text="", expires="2027-01-01", count="1",
    )  # fmt: skip
    assert made.status in (200, 409), made.text
    shown = ada.get("/console/approvals/PMA-X") if made.status == 200 else ada.get(f"/console/approvals?x={HOSTILE}")
    assert b"<script>alert" not in shown.body
    assert b"<img" not in shown.body
    if made.status == 200:
        assert escape(HOSTILE, quote=False).encode()[:20] in shown.body
    decoded = ada.send(ada.get("/console/decoder"), "/console/decoder", message=HOSTILE)
    assert decoded.status == 400
    assert b"<script>alert" not in decoded.body
    assert b"<img" not in decoded.body
    assert b"49" not in decoded.body.split(b"<textarea")[1].split(b"</textarea>")[0]


@pytest.mark.parametrize(
    "kind", ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"]
)
def test_forms_that_are_too_long_or_none_are_told(signed_in, kind):
    visitor = signed_in("viola", "viewer")
    for body in (b"a" * 2_000_001, b"\xff\x00--x", b"--x\r\n\r\n", b"&".join(b"a=1" for _ in range(100))):
        page = visitor.ask("POST", "/console/decoder", body, kind)
        assert page.status in (400, 403)
