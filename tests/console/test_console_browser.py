"""What a person does at each page, in Debian's Chromium: its main task, no complaint, no serious fault."""

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.browsing import SIZES, Person, chromium
from console.visitor import PASSWORD
from served_lab import ESME, GPF, OPERATOR
from trustcell.adapters.clock import system_random
from trustcell.app.accounts import AccountBook, ConsoleRole

PAGES = {
    "home": "/console", "devices": "/console/devices", "device": f"/console/devices/{GPF}", "lab": "/console/lab",
    "requests": "/console/requests", "certificates": "/console/certificates", "audit": "/console/audit",
    "departures": "/console/departures", "reports": "/console/reports", "studies": "/console/studies",
    "study": "/console/studies/secmp0128a", "sit": "/console/sit", "decoder": "/console/decoder",
    "password": "/console/password",
}  # fmt: skip
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def browser():
    """Of this module alone: while Playwright runs, its thread has an event loop, which other tests make anew."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def base(lab):
    return f"http://127.0.0.1:{lab.api_port}"


@pytest.fixture(scope="module")
def authority_base(story_home, tmp_path_factory):
    """The console of an authority: the home that the story left, on a copy, served on a free port."""
    folder = shutil.copytree(story_home, tmp_path_factory.mktemp("authority") / "home")
    command = [Path(sys.executable).with_name("trustcell"), "serve", "--home", folder, "--json"]
    with subprocess.Popen(
        [*command, "--api-port", "0", "--repository-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        told = json.loads(server.stdout.readline())
        book = AccountBook(folder / "accounts.json")
        book.change_password(told["account"], told["one_time_password"], PASSWORD, datetime.now(UTC))
        yield told["console"].removesuffix("/console")
        server.terminate()


@pytest.fixture
def person(browser, base):
    someone = Person(browser, base)
    someone.sign_in("operator", PASSWORD)
    yield someone
    someone.context.close()
    assert someone.complaints == []


def wait_for_job(page):
    page.wait_for_selector("#job strong:text-matches('done|failed')")
    assert "done" in page.inner_text("#job"), page.inner_text("#job")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_usable_and_has_no_serious_fault(browser, base, size, scheme):
    someone = Person(browser, base, size, color_scheme=scheme)
    someone.sign_in("operator", PASSWORD)
    found = {}
    for name, path in PAGES.items():
        answer = someone.go(path)
        assert answer.status == 200, path
        assert not someone.overflows(), path
        if scheme == "light":
            someone.keep(name)
        serious = [each for each in someone.faults() if each[1] in SERIOUS]
        if serious:
            found[name] = serious
    assert found == {}
    assert someone.complaints == []
    someone.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_an_authority_are_usable_and_show_what_the_story_did(browser, authority_base, size):
    someone = Person(browser, authority_base, size)
    someone.sign_in("operator", PASSWORD)
    page = someone.page
    found = {}

    def look(name: str) -> None:
        assert not someone.overflows(), name
        someone.keep(name)
        if serious := [each for each in someone.faults() if each[1] in SERIOUS]:
            found[name] = serious

    someone.go("/console/approvals")
    look("approvals")
    page.click("a:text-is('PMA-VALIDITY')")
    look("approval")
    assert "17 years" in page.inner_text("main")
    page.locator("ul a.mono").first.click()
    look("certificate")
    assert page.locator("td:text-is('C11')").count() == 1
    assert page.locator("a:text-is('PMA-VALIDITY')").count() == 1
    with page.expect_download() as download:
        page.click("a:text-is('Evidence bundle')")
    assert download.value.suggested_filename.endswith("-evidence.jsonl")
    someone.go("/console/packs")
    look("packs")
    page.click("button:has-text('Compare')")
    look("pack-difference")
    assert "Same to every device" in page.inner_text("main")
    someone.go("/console/packs/dcc/2")
    look("pack")
    someone.go("/console/calendar?years=60")
    look("calendar")
    someone.go("/console/audit")
    page.click("button:has-text('Verify the whole log')")
    wait_for_job(page)
    assert "found nothing wrong" in page.inner_text("main")
    look("audit-verified")
    assert found == {}
    assert someone.complaints == []
    someone.context.close()


def test_a_page_is_kept_fresh_when_somebody_asks(person, lab):
    page = person.page
    person.go("/console/requests")
    page.check("[data-fresh]")
    made = lab.accepted(lab.read())
    page.locator("#fresh tbody tr").first.locator(f"a:text-is('{made}')").wait_for()


def test_the_sign_in_page_has_no_fault_and_the_first_password_is_changed(browser, base, lab):
    once = lab.accounts.make("newcomer", [ConsoleRole.VIEWER], "", system_random)
    someone = Person(browser, base)
    someone.go("/console")
    assert someone.faults() == []
    someone.keep("sign-in")
    someone.sign_in("newcomer", once)
    page = someone.page
    page.fill("input[name=old]", once)
    page.fill("input[name=new]", PASSWORD)
    page.fill("input[name=again]", PASSWORD)
    page.click("button:has-text('Change it')")
    assert page.inner_text("h1") == "Home"
    page.click("button:has-text('Sign out')")
    assert page.inner_text("h1") == "Sign in"
    assert someone.complaints == []
    someone.context.close()


def test_an_operator_leaves_from_the_notice_to_the_picture_of_its_cells(person):
    page = person.page
    person.go("/console/departures")
    page.fill("input[name=name]", "gone")
    page.fill("input[name=by]", "its board")
    page.select_option("select[name=operator]", str(OPERATOR))
    page.click("button:has-text('List the devices')")
    assert "1 devices" in page.inner_text("main")
    page.click("button:has-text('Carry it on')")
    wait_for_job(page)
    person.keep("departure")
    assert [each for each in person.faults() if each[1] in SERIOUS] == []
    assert page.inner_text("tbody tr td:nth-child(2)") == "clean"
    page.click(f"a:has-text('{GPF}')")
    assert page.locator("svg.cells g.accessControlBroker").count() == 3, "the ACB's own cell and both of the slot"
    assert page.locator("input[type=range]").count() == 1
    page.locator("input[type=range]").fill("1")
    page.wait_for_url(re.compile("step=1"))
    assert page.locator("svg.cells g.accessControlBroker").count() == 1, "as it was before"
    assert page.locator("svg.cells g.networkOperator").count() == 2
    page.click("a:text-is('6.15.1')")
    person.keep("request")
    assert [each for each in person.faults() if each[1] in SERIOUS] == []
    field = page.locator("#main a.mono[href^='#m1-']").first
    field.click()
    assert page.locator(".octets .told:target").count() == 1
    assert page.locator(".octets .told:target").inner_text().lower() == field.inner_text().replace("-", "").lower()


def test_a_way_is_cut_and_mended_and_the_clock_is_moved(person, lab):
    page = person.page
    person.go("/console/lab")
    row = page.locator(f"tr:has-text('{ESME}')")
    row.locator("select").select_option("unreachable")
    row.locator("button:has-text('Do it')").click()
    assert "no" in page.locator(f"tr:has-text('{ESME}') td:nth-child(4)").inner_text()
    row = page.locator(f"tr:has-text('{ESME}')")
    row.locator("select").select_option("mend")
    row.locator("button:has-text('Do it')").click()
    assert page.locator(f"tr:has-text('{ESME}') td:nth-child(4)").inner_text() == "yes"
    page.select_option("select[name=hours]", "1")
    page.click("button:has-text('Move the clock')")
    assert "The clock shows" in page.inner_text(".said")


def test_a_device_is_made_found_and_taken_away(person):
    page, eui = person.page, "00-DB-12-34-56-78-9A-01"
    person.go("/console/lab")
    page.click("summary:has-text('Make a device')")
    page.fill("input[name=eui]", eui)
    page.select_option("select[name=kind]", "PPMID")
    page.click("button:has-text('Make it')")
    assert page.inner_text("h1") == f"PPMID {eui}"
    person.go("/console/devices")
    page.keyboard.press("/")
    page.keyboard.type(eui)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(eui))
    person.go("/console/lab")
    page.locator(f"tr:has-text('{eui}') button:has-text('Take away')").click()
    assert page.locator(f"td:has-text('{eui}')").count() == 0


def test_a_report_is_taken_filtered_and_downloaded(person):
    page = person.page
    person.go("/console/reports")
    page.click("button:has-text('Take a new snapshot')")
    wait_for_job(page)
    for name in ("post-commissioning", "stuck", "expired", "expiry"):
        person.go(f"/console/reports/{name}")
        assert [each for each in person.faults() if each[1] in SERIOUS] == [], name
        person.keep(f"report-{name}")
    person.go("/console/reports/expired")
    before = page.locator("tbody").last.locator("tr").count()
    assert before > 1
    page.fill("input[name=filter]", "nothing has this text")
    page.click("button:has-text('Show')")
    assert "0 of" in page.inner_text("main")
    with page.expect_download() as download:
        page.click("a:has-text('CSV')")
    assert download.value.suggested_filename == "expired.csv"


def test_a_study_runs_with_its_bands(person):
    page = person.page
    person.go("/console/studies/secmp0128a")
    page.fill("input[name=runs]", "10")
    page.click("button:has-text('Run it')")
    wait_for_job(page)
    assert page.locator("svg.chart").count() >= 1
    assert page.locator("svg.chart .band").count() >= 1
    person.keep("study-run")
    assert [each for each in person.faults() if each[1] in SERIOUS] == []


def test_integration_tests_run_and_show_what_fails_without_tracking(person):
    page = person.page
    for tracking, told in ((True, "0 failed"), (False, "2 failed")):
        person.go("/console/sit")
        page.set_checked("input[name=tracking]", tracking)
        page.click("button:has-text('Run')")
        wait_for_job(page)
        assert told in page.inner_text("main")
    person.keep("sit-run")
    assert [each for each in person.faults() if each[1] in SERIOUS] == []


def test_a_message_is_pasted_and_its_octets_found(person, shared):
    page = person.page
    message = next((shared / "rtds" / "messages").glob("*CS02b*/*COMMAND*"))
    person.go("/console/decoder")
    page.fill("textarea", message.read_text())
    page.click("button:has-text('Decode')")
    assert page.locator(".tree li").count() > 10
    assert page.locator(".octets .told").count() >= 3
    person.keep("decoded")
    page.locator(".tree a.mono").first.click()
    assert page.locator(".octets .told:target").count() == 1


def test_without_script_every_form_does_its_work(browser, base):
    someone = Person(browser, base, java_script_enabled=False)
    someone.sign_in("operator", PASSWORD)
    someone.go(f"/console/devices/{GPF}?step=1")
    assert someone.page.locator("svg.cells").count() == 1
    someone.go("/console/lab")
    assert someone.page.locator("button:has-text('Move the clock')").count() == 1
    someone.context.close()


def test_a_viewer_has_no_forms_that_change(browser, base):
    someone = Person(browser, base)
    someone.sign_in("viewer", PASSWORD)
    for path in ("/console/lab", "/console/departures", "/console/sit"):
        someone.go(path)
        assert someone.page.locator("main form[method=post]").count() == 0, path
    someone.context.close()
