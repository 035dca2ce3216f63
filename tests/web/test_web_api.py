"""The JSON API: roles and rights, what each endpoint shows, refusals in one shape (hostile inputs A)."""

import json
import re

import pytest
from prometheus_client import CollectorRegistry

from trustcell.app.callbacks import CallbackRules
from trustcell.app.doors import ApiDoor, ApiLimits
from trustcell.app.metrics import Metrics
from trustcell.app.tokens import Role, TokenBook, make_token
from trustcell.dsp.rules.counters import OWN_SEQUENCE
from trustcell.dsp.rules.work import CounterEvent
from trustcell.vocab import Unavailable
from trustcell.web import api_app
from trustcell.web.api import ENDPOINTS, openapi
from web.asgi import call
from web.books import (
    BROKER,
    FOREIGN,
    FOREIGN_MPRN,
    FOREIGN_REQUEST,
    GPF,
    HUB,
    MPRN,
    NOW,
    OPERATOR,
    REQUEST,
    STRANGER,
    SUPPLIER,
    UNKNOWN,
    Books,
    Desk,
    rtds_command,
)  # fmt: skip
from web.doors import Engine, Numbers

ROLES = {"operator": "operator", "auditor": "auditor", "supplier": f"user:{SUPPLIER}", "network": f"user:{OPERATOR}"}


class Api:
    def __init__(self, folder, **facts):
        self.numbers = Numbers()
        self.file = folder / "tokens.json"
        self.tokens = {
            name: make_token(self.file, name, role, NOW, lambda size, name=name: name.encode().ljust(size, b"."))
            for name, role in ROLES.items()
        }
        self.books = Books()
        self.desk = Desk(self.books)
        self.engine = Engine()
        self.ticks = 1000.0
        self.metrics = Metrics(CollectorRegistry())
        values = {"limits": ApiLimits(rate=1e6, burst=1e6), "metrics": self.metrics, **facts}
        self.door = ApiDoor(
            self.engine, self.books, self.desk, TokenBook(self.file), CallbackRules(lab=True), lambda: NOW,
            self.numbers, ticks=lambda: self.ticks, **values,
        )  # fmt: skip
        self.app = api_app(self.door)

    def ask(self, who, method, target, body=None, **headers):
        sent = {"content-type": "application/json", **headers}
        if who is not None:
            sent["authorization"] = f"Bearer {self.tokens.get(who, who)}"
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = call(self.app, method, target, octets, sent)
        answer.__dict__["json"] = json.loads(answer.body) if answer.body.startswith((b"{", b"[")) else None
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json) >= {"title", "status", "code", "detail", "reference"}
            assert answer.json["status"] == answer.status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "set-cookie" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
        return answer


@pytest.fixture
def api(tmp_path):
    return Api(tmp_path)


EXAMPLES = {
    "putUser": {"roles": ["GS"], "callback": "127.0.0.1:1880/smartdcc/duis"},
    "register": {
        "mpxn": "1312345678111", "supplier": str(SUPPLIER), "network_operator": str(OPERATOR),
        "begins": "2024-03-01T00:00:00Z",
    },
    "makeHanDevice": {"eui": str(UNKNOWN), "device_type": "ESME", "hub": str(HUB), "mpxn": "1312345678111"},
    "breakHanDevice": {"link": "lossy"},
    "moveHanDevice": {"hub": None},
}  # fmt: skip


def address(endpoint) -> str:
    eui = str(SUPPLIER if "/users/" in endpoint.path else GPF)
    request_id = str(FOREIGN_REQUEST if endpoint.name in ("releaseRequest", "cancelRequest") else REQUEST)
    return endpoint.path.replace("{eui}", eui).replace("{request_id}", request_id).replace("{mpxn}", MPRN)


# Who may do what (A12, A13).


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_answers_its_roles_and_no_others(api, endpoint):
    for who, role in (("operator", Role.OPERATOR), ("auditor", Role.AUDITOR), ("supplier", Role.USER)):
        target = address(endpoint) + (f"?mpxn={MPRN}" if endpoint.name == "devices" else "")
        answer = api.ask(who, endpoint.method, target, EXAMPLES.get(endpoint.name))
        if role in endpoint.roles:
            assert answer.status == endpoint.status, answer.body
            endpoint.answer.model_validate_json(answer.body)
        else:
            assert (answer.status, answer.json["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_nothing_is_answered_without_a_token(api, endpoint):
    answer = api.ask(None, endpoint.method, address(endpoint), EXAMPLES.get(endpoint.name))
    assert (answer.status, answer.json["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_whoever_changes_something_is_an_operator(api):
    for endpoint in ENDPOINTS:
        assert endpoint.method == "GET" or endpoint.roles == {Role.OPERATOR}, endpoint.name


def test_an_auditors_write_changes_nothing(api):
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET":
            api.ask("auditor", endpoint.method, address(endpoint), EXAMPLES.get(endpoint.name))
            api.ask("auditor", endpoint.method, address(endpoint), b"no json")
    assert api.desk.done == []


@pytest.mark.parametrize(
    "headers",
    [
        {"cookie": "token={token}; session={token}"},
        {"x-api-key": "{token}"},
        {"authorization": "Basic {token}"},
        {"authorization": "{token}"},
        {"authorization": "Bearer"},
    ],
)
def test_a_token_counts_in_one_place_only(api, headers):
    """A browser sends cookies by itself, a bearer token never: there is nothing to forge across sites (A12)."""
    sent = {name: value.format(token=api.tokens["operator"]) for name, value in headers.items()}
    assert call(api.app, "GET", "/api/users", b"", sent).status == 401
    assert call(api.app, "GET", f"/api/users?token={api.tokens['operator']}", b"", {}).status == 401


def test_no_path_leads_to_keys_or_pins(api):
    """A13: neither in the table nor in any answer."""
    words = re.compile(r"private|secret|\bpin\b|passphrase", re.IGNORECASE)
    assert not words.search(json.dumps(openapi(ENDPOINTS)))
    for path in ("/api/keys", "/api/tokens", "/api/pin", "/api/../tokens.json", "/api/devices/..%2f..%2fetc%2fpasswd"):
        assert api.ask("operator", "GET", path).status in (400, 404)


# Five wrong tokens (A9).


def test_five_wrong_tokens_shut_an_address_out_for_a_while(api):
    statuses = [api.ask(f"tc_{number}", "GET", "/api/whoami").status for number in range(5)]
    assert statuses == [401] * 5
    answer = api.ask("operator", "GET", "/api/whoami")
    assert (answer.status, answer.json["code"]) == (429, "locked_out")
    assert 0 < int(answer.headers["retry-after"]) <= 301
    api.ticks += 301
    assert api.ask("operator", "GET", "/api/whoami").status == 200


def test_a_right_token_starts_the_count_over(api):
    for _ in range(3):
        for number in range(4):
            assert api.ask(f"tc_{number}", "GET", "/api/whoami").status == 401
        assert api.ask("operator", "GET", "/api/whoami").status == 200


@pytest.mark.parametrize("token", ["", "tc_", "\xff", "a" * 10_000, "tc_" + "A" * 43])
def test_wrong_tokens_of_every_shape_are_401(api, token):
    answer = call(api.app, "GET", "/api/whoami", b"", {"authorization": f"Bearer {token}"})
    assert answer.status == 401


def test_too_many_requests_with_one_token_are_429(tmp_path):
    api = Api(tmp_path, limits=ApiLimits(rate=1.0, burst=6.0))
    statuses = [api.ask("auditor", "GET", "/api/whoami").status for _ in range(8)]
    assert statuses == [200] * 6 + [429] * 2
    api.ticks += 3
    assert api.ask("auditor", "GET", "/api/whoami").status == 200


# What is somebody else's (A2).


FOREIGN_TARGETS = [
    ("/api/devices/{}", FOREIGN, UNKNOWN),
    ("/api/devices/{}/history", FOREIGN, UNKNOWN),
    ("/api/devices/{}/slots", FOREIGN, UNKNOWN),
    ("/api/requests/{}", FOREIGN_REQUEST, f"{STRANGER}:{FOREIGN}:7"),
    ("/api/requests/{}/trail", FOREIGN_REQUEST, f"{STRANGER}:{FOREIGN}:7"),
    ("/api/requests/{}/deliveries", FOREIGN_REQUEST, f"{STRANGER}:{FOREIGN}:7"),
    ("/api/registrations/{}", FOREIGN_MPRN, "5555555555"),
    ("/api/users/{}", STRANGER, UNKNOWN),
    ("/api/users/{}/schedules", STRANGER, UNKNOWN),
]


@pytest.mark.parametrize(("path", "foreign", "unknown"), FOREIGN_TARGETS)
def test_what_is_somebody_elses_looks_as_if_it_were_not_there(api, path, foreign, unknown):
    answers = [api.ask("supplier", "GET", path.format(each)) for each in (foreign, unknown)]
    assert [answer.status for answer in answers] == [404, 404]
    plain = [{**answer.json, "reference": ""} for answer in answers]
    assert plain[0] == plain[1]
    assert len(answers[0].body) == len(answers[1].body)
    assert answers[0].headers.keys() == answers[1].headers.keys()


def test_lists_hold_only_what_is_the_users(api):
    assert [each["request_id"] for each in api.ask("supplier", "GET", "/api/requests").json["items"]] == [str(REQUEST)]
    assert api.ask("supplier", "GET", f"/api/requests?user={STRANGER}").json == {"items": [], "next": None}
    assert api.ask("supplier", "GET", f"/api/requests?device={FOREIGN}").json["items"] == []
    assert api.ask("supplier", "GET", f"/api/devices?mpxn={FOREIGN_MPRN}").json == {"items": [], "next": None}
    assert api.ask("supplier", "GET", f"/api/devices?mpxn={FOREIGN_MPRN}&limit=1").json == {"items": [], "next": None}
    answer = api.ask("supplier", "GET", "/api/devices")
    assert (answer.status, answer.json["code"]) == (400, "query_needed")


def test_a_user_sees_devices_it_is_registered_for_now(api):
    for who in ("supplier", "network"):
        assert api.ask(who, "GET", f"/api/devices/{GPF}").status == 200
        assert api.ask(who, "GET", f"/api/devices/{HUB}").status == 200, "the hub of such a device"
    api.books.registered[MPRN] = api.books.registered[MPRN][1:]
    assert api.ask("supplier", "GET", f"/api/devices/{GPF}").status == 404, "it has lost the metering point"
    assert api.ask("network", "GET", f"/api/devices/{GPF}").status == 200


def test_operators_and_auditors_see_all(api):
    for who in ("operator", "auditor"):
        euis = [each["eui"] for each in api.ask(who, "GET", "/api/devices").json["items"]]
        assert euis == [str(HUB), str(GPF), str(FOREIGN)]
        assert len(api.ask(who, "GET", "/api/requests").json["items"]) == 2


# What it shows.


def test_lists_come_in_pages(api):
    pages, after = [], ""
    for _ in range(4):
        answer = api.ask("auditor", "GET", f"/api/devices?limit=1{after}").json
        pages += [each["eui"] for each in answer["items"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert pages == [str(HUB), str(GPF), str(FOREIGN)]


def test_the_counter_ledger_says_why_the_next_number_is_what_it_is(api):
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}/counters").json
    assert answer["highest"]["counter"] == str(2**62)
    assert answer["next_6_21"]["counter"] == str(2**62 + 1)
    assert f"the stored counter {2**62} is above the broker's" in answer["next_6_21"]["sentence"]
    api.books.stored = None
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}/counters").json
    assert answer["highest"] is None
    assert answer["next_6_21"]["counter"] == "1709283600000"
    assert "no counter is stored" in answer["next_6_21"]["sentence"]
    ahead = 1709283600000 + 5000
    api.books.counted = [
        CounterEvent(NOW, GPF, ahead, f"{BROKER} for 6.21", f"{OWN_SEQUENCE}; no counter is stored"),
        CounterEvent(NOW, GPF, ahead + 1, str(SUPPLIER), "the user's own counter, from its request ID"),
        CounterEvent(NOW, GPF, ahead + 2, f"{BROKER} for 6.21", "the stored counter 7 is above the broker's 6"),
    ]
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}/counters").json
    assert answer["next_6_21"]["counter"] == str(ahead + 1), "above its own last one, whatever the clock shows"
    api.books.stored = (2**63 - 1, "response", NOW)
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}/counters").json
    assert answer["next_6_21"]["counter"] is None
    assert "counter_exhausted" in answer["next_6_21"]["sentence"]


def test_slots_now_and_before(api):
    answer = api.ask("supplier", "GET", f"/api/devices/{GPF}/slots").json
    assert [line["entity"] for line in answer["current"]] == [str(BROKER)]
    assert [line["entity"] for line in answer["history"]] == [str(OPERATOR), str(BROKER)]


def test_the_trail_of_a_request_shows_its_messages_decoded(api, shared):
    api.books.command = rtds_command(shared)
    answer = api.ask("supplier", "GET", f"/api/requests/{REQUEST}/trail").json
    assert answer["request"]["counter"] == "1709283600000"
    assert answer["trail"][0]["facts"] == {"counter": str(2**63), "checks": [1, 2]}
    command = answer["commands"][0]
    assert command["message_id"] == f"{BROKER}:{GPF}:{2**63 - 2}"
    assert {"header", "payload", "protection"} <= set(command["message"])
    assert "error" in command["answers"][0]["message"], "what cannot be read is shown as it is, with the reason"
    assert command["answers"][0]["message"]["octets"] == "df00"
    assert answer["deliveries"][0] == {
        "number": 3, "state": "waiting", "attempts": 2, "next_at": "2024-03-01T09:00:00Z", "last": "503", "code": "",
        "octets": 4,
    }  # fmt: skip


def test_a_request_id_is_found_in_either_case_and_to_the_last_number(api):
    for text in (str(REQUEST).lower(), str(REQUEST)):
        assert api.ask("supplier", "GET", f"/api/requests/{text}").json["request_id"] == str(REQUEST)
    answer = api.ask("auditor", "GET", f"/api/requests/{FOREIGN_REQUEST}").json
    assert answer["counter"] == str(2**64 - 1)


def test_html_in_a_name_is_inert(api):
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}")
    assert answer.headers["content-type"] == "application/json"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.json["details"] == {"DeviceManufacturer": "<b>x</b>"}


# What it changes.


def test_each_change_carries_who_asked_and_the_reference_of_the_answer(api):
    answer = api.ask("operator", "PUT", f"/api/users/{STRANGER}", {"roles": ["GT"], "callback": "127.0.0.1:1880"})
    assert answer.json == {
        "eui": str(STRANGER), "roles": ["GT"], "status": "active", "callback": "http://127.0.0.1:1880/smartdcc/duis",
    }  # fmt: skip
    _, entity, actor = api.desk.done[0]
    assert (entity, actor.name, actor.reference) == (STRANGER, "operator", answer.headers["x-reference"])
    assert api.ask("auditor", "GET", f"/api/users/{STRANGER}").json == answer.json
    assert api.ask("operator", "DELETE", f"/api/users/{STRANGER}").json == {"removed": str(STRANGER)}
    assert api.ask("operator", "DELETE", f"/api/users/{STRANGER}").status == 404


@pytest.mark.parametrize(
    "callback", ["file:///etc/passwd", "http://192.0.2.1/", "169.254.169.254:80/latest", "localhost:1/../x", ""]
)
def test_a_callback_that_may_not_be_called_is_400(api, callback):
    answer = api.ask("operator", "PUT", f"/api/users/{SUPPLIER}", {"roles": ["GS"], "callback": callback})
    assert answer.status == 400
    assert answer.json["code"] in ("callback_address_invalid", "callback_not_allowed")
    assert api.desk.done == []


def test_a_quarantined_request_is_released_or_ended_once(api):
    for verb in ("release", "cancel"):
        api.books = Desk(Books()).books
        fresh = Books()
        api.desk.books.known[FOREIGN_REQUEST] = fresh.known[FOREIGN_REQUEST]
        answer = api.ask("operator", "POST", f"/api/requests/{FOREIGN_REQUEST}/{verb}")
        assert answer.status == 200, answer.body
        again = api.ask("operator", "POST", f"/api/requests/{FOREIGN_REQUEST}/{verb}")
        assert (again.status, again.json["code"]) == (409, "not_quarantined")
        assert again.json["findings"][0]["message"] == "it does not wait for anybody"
    assert api.ask("operator", "POST", f"/api/requests/{SUPPLIER}:{GPF}:1/cancel").status == 404


def test_devices_of_the_virtual_han_are_made_shown_broken_and_mended(api):
    made = api.ask("operator", "POST", "/api/han", EXAMPLES["makeHanDevice"])
    assert (made.status, made.json["link"]) == (201, "reachable")
    assert api.ask("operator", "POST", "/api/han", EXAMPLES["makeHanDevice"]).json["code"] == "device_exists"
    for link in ("slow", "unreachable", "lossy"):
        assert api.ask("operator", "POST", f"/api/han/{UNKNOWN}/break", {"link": link}).json["link"] == link
    assert api.ask("operator", "POST", f"/api/han/{UNKNOWN}/mend").json["link"] == "reachable"
    assert [each["eui"] for each in api.ask("auditor", "GET", "/api/han").json["items"]] == [str(GPF), str(UNKNOWN)]
    shown = api.ask("auditor", "GET", f"/api/han/{GPF}").json
    assert shown["counters"] == [{"role": "networkOperator", "update": str(2**63 - 1), "other": None}]
    assert shown["cells"][0]["cell"] == "networkOperator/digitalSignature"


# What makes no sense.


@pytest.mark.parametrize(
    ("method", "target", "body", "code"),
    [
        ("GET", "/api/devices/nonsense", None, "eui_invalid"),
        ("GET", f"/api/devices/{GPF}0", None, "eui_invalid"),
        ("GET", f"/api/requests/{REQUEST}0123456789", None, "request_id_invalid"),
        ("GET", f"/api/requests/{SUPPLIER}:{GPF}:18446744073709551616", None, "schema_invalid"),
        ("GET", f"/api/requests/{SUPPLIER}:{GPF}:01", None, "request_id_invalid"),
        ("GET", "/api/registrations/12345678901234", None, "mpxn_invalid"),
        ("GET", "/api/registrations/%25", None, "mpxn_invalid"),
        ("GET", "/api/devices?limit=0", None, "schema_invalid"),
        ("GET", "/api/devices?limit=1000000", None, "schema_invalid"),
        ("GET", "/api/devices?colour=red", None, "schema_invalid"),
        ("GET", "/api/devices?limit=1&limit=2", None, "query_repeated"),
        ("GET", "/api/requests?after=x", None, "schema_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", b"", "json_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", b"{", "json_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", b"\xff\xfe{}", "json_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", b'{"roles":["GS"],"roles":["IS"]}', "json_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", b"[" * 50_000, "json_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", {"roles": []}, "schema_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", {"roles": ["XX"]}, "schema_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", {"roles": ["GS"], "key": "x"}, "schema_invalid"),
        ("PUT", f"/api/users/{SUPPLIER}", [], "schema_invalid"),
        ("POST", "/api/han", {"eui": "x", "device_type": "ESME"}, "schema_invalid"),
        ("POST", "/api/han", {"eui": str(UNKNOWN), "device_type": 7}, "schema_invalid"),
        ("POST", f"/api/han/{GPF}/break", {"link": "reachable"}, "schema_invalid"),
        ("POST", "/api/registrations", {"mpxn": "1"}, "schema_invalid"),
        ("POST", "/api/registrations", {**EXAMPLES["register"], "begins": 0}, "schema_invalid"),
        ("POST", "/api/registrations", {**EXAMPLES["register"], "mpxn": 1}, "schema_invalid"),
    ],
)
def test_nonsense_is_400_with_a_code_and_changes_nothing(api, method, target, body, code):
    answer = api.ask("operator", method, target, body)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert api.desk.done == []


def test_what_was_sent_is_not_repeated_in_a_refusal(api):
    answer = api.ask("operator", "PUT", f"/api/users/{SUPPLIER}", {"roles": ["<script>alert(1)</script>"]})
    assert b"script" not in answer.body
    answer = api.ask("operator", "PUT", f"/api/users/{SUPPLIER}", {"roles": ["GS"], "<script>": 1})
    assert b"<script>" not in answer.body


def test_bodies_are_plain_json_and_bounded(api):
    target = f"/api/users/{SUPPLIER}"
    body = json.dumps({"roles": ["GS"]}).encode()
    headers = {"authorization": f"Bearer {api.tokens['operator']}"}
    for sent, status in (
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({}, 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, 415),
    ):
        assert call(api.app, "PUT", target, body, {**headers, **sent}).status == status
    assert api.ask("operator", "PUT", target, body + b" " * 70_000).status == 413


def test_other_addresses_and_methods(api):
    for target in ("/", "/api", "/api/nothing", "/docs"):
        assert api.ask("operator", "GET", target).json["code"] == "not_found"
    answer = api.ask("operator", "POST", "/api/devices")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]


def test_books_that_do_not_answer_are_503_and_bugs_are_500_without_words(api, monkeypatch):
    def gone(*_, **__):
        raise Unavailable("the database is locked")

    def broken(*_, **__):
        raise RuntimeError("secret words")

    monkeypatch.setattr(api.books, "device", gone)
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}")
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
    monkeypatch.setattr(api.books, "device", broken)
    answer = api.ask("operator", "GET", f"/api/devices/{GPF}")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert b"secret" not in answer.body


# Health, metrics, description.


def test_health_tells_everybody_whether_and_overseers_why(api):
    assert api.ask(None, "GET", "/health").json == {"status": "ok"}
    api.engine.states["store"] = "the disk is full"
    answer = call(api.app, "GET", "/health", b"", {})
    assert (answer.status, json.loads(answer.body)) == (503, {"status": "unavailable"})
    shown = api.ask("auditor", "GET", "/api/health").json
    assert shown == {"status": "unavailable", "components": {"store": "the disk is full"}}


def test_metrics_count_answers_by_endpoint_status_and_code(api):
    api.metrics.gauge("outbox_open_commands", "Commands without an answer", lambda: 17)
    api.metrics.lease({"lab": 4.0}.__getitem__, ("lab",))
    api.metrics.request("serviceS", 200, "I99", 0.002)
    api.metrics.delivery("done", 0.1)
    api.ask("operator", "GET", "/api/users")
    api.ask(None, "GET", "/api/users")
    text = call(api.app, "GET", "/metrics", b"", {}).body.decode()
    for line in (
        'trustcell_requests_total{code="I99",door="serviceS",status="200"} 1.0',
        'trustcell_requests_total{code="ok",door="api users",status="200"} 1.0',
        'trustcell_requests_total{code="token_missing",door="api users",status="401"} 1.0',
        'trustcell_request_seconds_bucket{door="serviceS",le="0.0025"} 1.0',
        'trustcell_deliveries_total{outcome="done"} 1.0',
        "trustcell_outbox_open_commands 17.0",
        'trustcell_lease_epoch{home="lab"} 4.0',
    ):
        assert line in text
    assert not any(token in text for token in api.tokens.values())


def test_the_description_names_every_endpoint_and_every_status(api):
    document = api.ask(None, "GET", "/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    described = {(method, path) for path, item in document["paths"].items() for method in item}
    assert described == {(each.method.lower(), each.path) for each in ENDPOINTS}
    assert len({each.name for each in ENDPOINTS}) == len(ENDPOINTS)
    for path in document["paths"].values():
        for operation in path.values():
            assert {"400", "401", "429", "503"} <= set(operation["responses"])
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
