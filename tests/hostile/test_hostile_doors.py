"""Rows A of the hostile inputs: the JSON API, tokens and callbacks of a served lab."""

import contextlib
import http.client
import http.server
import json
import statistics
import threading
import time

import pytest

from served_lab import BROKER, CHF, ESME, GPF, SUPPLIER, Answer
from trustcell.app.tokens import make_token
from trustcell.vocab import Eui64

STRANGER = "90-B3-D5-1F-30-03-00-00"
NOWHERE = "01-02-03-04-05-06-07-08"


@pytest.fixture(scope="module")
def stranger(lab) -> str:
    """A supplier that has nothing to do with the devices of this lab."""
    assert lab.api("PUT", f"/api/users/{STRANGER}", {"roles": ["IS", "GS"]}).status == 200
    folder = lab.folder / "tokens.json"
    lab.tokens["stranger"] = make_token(folder, "stranger", f"user:{STRANGER}", lab.clock(), lambda size: b"s" * size)
    return "stranger"


@pytest.fixture
def refuses(lab, contract):
    def check(
        method: str, path: str, status: int, code: str | None = None, body=None, token: str = "auditor"
    ) -> Answer:
        return contract.refuses(lambda: lab.api(method, path, body, token), status, code)

    return check


def shape(answer: Answer) -> tuple[int, dict, dict]:
    """An answer without what differs every time."""
    body = json.loads(answer.body)
    body.pop("reference", None)
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "x-reference")}
    return answer.status, headers, body


@pytest.mark.parametrize("end", ["", "/history", "/slots"])
def test_a2_somebody_elses_device_looks_as_if_it_were_not_there(lab, refuses, stranger, end):
    for device in (GPF, ESME, CHF):
        foreign = refuses("GET", f"/api/devices/{device}{end}", 404, "not_found", token=stranger)
        unknown = refuses("GET", f"/api/devices/{NOWHERE}{end}", 404, "not_found", token=stranger)
        assert shape(foreign) == shape(unknown)
    assert lab.api("GET", f"/api/devices/{GPF}{end}", token="supplier").status == 200


@pytest.mark.parametrize("end", ["", "/trail", "/deliveries"])
def test_a2_somebody_elses_request_looks_as_if_it_were_not_there(lab, refuses, stranger, end):
    request = lab.inventory()
    assert lab.ask(request).code == "I0"
    unknown = f"{SUPPLIER}:{BROKER}:9"
    for token in (stranger, "network"):
        foreign = refuses("GET", f"/api/requests/{request.request_id}{end}", 404, "not_found", token=token)
        assert shape(foreign) == shape(refuses("GET", f"/api/requests/{unknown}{end}", 404, "not_found", token=token))
    assert lab.api("GET", f"/api/requests/{request.request_id}{end}", token="supplier").status == 200


def test_a2_lists_hold_nothing_of_others(lab, stranger):
    assert lab.ask(lab.inventory()).code == "I0"
    assert json.loads(lab.api("GET", "/api/requests", token=stranger).body)["items"] == []
    asked = lab.api("GET", f"/api/requests?user={SUPPLIER}", token=stranger)
    assert json.loads(asked.body)["items"] == []
    found = lab.api("GET", "/api/devices?mpxn=1234567890", token=stranger)
    assert json.loads(found.body) == json.loads(lab.api("GET", "/api/devices?mpxn=1234567899", token=stranger).body)


def test_a2_the_time_tells_nothing(lab, stranger):
    """Processor time of the whole process, many times: what is foreign costs about what is unknown."""

    def cost(device: object) -> float:
        began = time.process_time()
        for _ in range(20):
            assert lab.api("GET", f"/api/devices/{device}", token=stranger).status == 404
        return time.process_time() - began

    foreign, unknown = zip(*[(cost(GPF), cost(NOWHERE)) for _ in range(5)], strict=True)
    assert 0.25 < statistics.median(foreign) / statistics.median(unknown) < 4


def test_a2_a_device_that_is_not_there_is_refused_by_the_dsp(lab, contract):
    request = lab.firmware(target=Eui64.parse(NOWHERE))
    contract.refuses(lambda: lab.ask(request), 200, "E19", reasons={"device_unknown"})


PATHS = (
    "/api/devices/..%2f..%2ftokens.json",
    "/api/devices/%2e%2e%2f",
    "/api/requests/..%2F..%2Fdsp.db",
    "/api/../tokens.json",
    "/..%2ftokens.json",
    "/api/users/%00",
    "/api/han/%2fetc%2fpasswd",
)


@pytest.mark.parametrize("path", PATHS)
def test_a8_paths_lead_nowhere(lab, refuses, path):
    answer = refuses("GET", path, lab.api("GET", path, token="operator").status, token="operator")
    assert answer.status in (400, 404)
    assert b"sha256" not in answer.body


@pytest.mark.parametrize(
    "callback",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://169.254.169.254/latest",
        "http://user:pass@127.0.0.1:1/x",
        "http://10.0.0.1:80/x",
        "gopher://127.0.0.1:1/x",
        "http://127.0.0.1:1/x#y",
        "http://[::ffff:10.0.0.1]:80/x",
        "javascript:alert(1)",
    ],
)
def test_a8_callbacks_that_may_not_be_called(refuses, callback):
    body = {"roles": ["GS"], "callback": callback}
    refuses("PUT", f"/api/users/{SUPPLIER}", 400, body=body, token="operator")


def test_a8_a_redirect_is_not_followed(lab, watch):
    """A user's address answers with one: the delivery waits, and nobody is called elsewhere."""

    class Redirecting(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"http://{watch.address}/x")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Redirecting)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        roles = {"roles": ["IS", "GS"]}
        there = f"http://127.0.0.1:{server.server_port}/x"
        assert lab.api("PUT", f"/api/users/{SUPPLIER}", {**roles, "callback": there}).status == 200
        request_id = lab.accepted(lab.firmware())
        path = f"/api/requests/{request_id}/deliveries"
        lab.wait(lambda: any(each["last"] for each in lab.told(path)["items"]))
        (delivery,) = lab.told(path)["items"]
        assert (delivery["state"], delivery["last"]) == ("waiting", "307")
        assert watch.touched() == []
        back = f"http://{lab.users.address}"
        assert lab.api("PUT", f"/api/users/{SUPPLIER}", {**roles, "callback": back}).status == 200
        lab.pass_time(5)
        assert lab.outcome(request_id)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def guess(lab, token: str, source: str) -> Answer:
    """From an address of its own, so that nobody else is shut out."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.api_port, timeout=15, source_address=(source, 0))
    with contextlib.closing(connection):
        connection.request("GET", "/api/whoami", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())


def test_a9_five_wrong_tokens_shut_an_address_out_and_nobody_else(lab):
    before = lab.settled()
    said = [guess(lab, f"tc_{number}", "127.0.0.7") for number in range(6)]
    assert [each.code for each in said] == ["token_unknown"] * 5 + ["locked_out"]
    assert said[-1].status == 429
    assert guess(lab, lab.tokens["operator"], "127.0.0.7").code == "locked_out", "the right one as well"
    assert lab.api("GET", "/api/whoami").status == 200
    assert lab.dump() == before


def test_a9_a_thousand_a_second_are_429(lab):
    codes = [guess(lab, f"tc_{number}", "127.0.0.8").status for number in range(60)]
    assert set(codes[5:]) == {429}


def test_a12_nothing_for_a_browser(lab):
    answer = lab.api("GET", f"/api/devices/{GPF}")
    headers = answer.headers
    assert "set-cookie" not in headers
    assert "access-control-allow-origin" not in headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a12_a_cookie_is_no_token(lab):
    connection = http.client.HTTPConnection("127.0.0.1", lab.api_port, timeout=15, source_address=("127.0.0.9", 0))
    with contextlib.closing(connection):
        connection.request("GET", "/api/whoami", headers={"Cookie": f"token={lab.tokens['operator']}"})
        assert connection.getresponse().status == 401


def test_a12_html_in_a_name_is_inert(lab):
    evil = "<script>alert(1)</script>"
    details = {"DeviceManufacturer": evil}
    made = lab.api("POST", "/api/han", {"eui": "00-DB-12-34-59-00-00-00", "device_type": "CHF", "details": details})
    if made.status == 201:
        shown = lab.api("GET", "/api/devices/00-DB-12-34-59-00-00-00")
        assert shown.headers["content-type"] == "application/json"
        assert json.loads(shown.body)["details"]["DeviceManufacturer"] == evil
    else:
        assert made.status in (400, 409)


WRITES = [
    ("PUT", f"/api/users/{STRANGER}", {"roles": ["GS"]}),
    ("DELETE", f"/api/users/{SUPPLIER}", None),
    ("POST", "/api/registrations", {}),
    ("POST", "/api/han", {"eui": NOWHERE, "device_type": "CHF"}),
    ("POST", f"/api/han/{GPF}/break", {"link": "unreachable"}),
    ("POST", f"/api/han/{GPF}/mend", None),
    ("POST", f"/api/requests/{SUPPLIER}:{BROKER}:1/release", None),
    ("POST", f"/api/requests/{SUPPLIER}:{BROKER}:1/cancel", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("token", ["auditor", "supplier"])
def test_a13_only_operators_write(refuses, method, path, body, token):
    refuses(method, path, 403, "role_not_allowed", body, token)


@pytest.mark.parametrize(
    "path", ["/api/keys", "/api/pin", "/api/tokens", "/api/keystore", f"/api/users/{SUPPLIER}/keys"]
)
def test_a13_keys_have_no_read_path(refuses, path):
    refuses("GET", path, 404, "not_found", token="operator")
