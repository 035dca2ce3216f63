"""The public DUIS client packages, unmodified, against the doors (dcc-boxed-interface.md 2, 3 and 7).

The engine behind the doors here checks and signs with the product's own DUIS room and the public test keys; what a
request leads to is the business of the DSP's tests.
"""

import asyncio
import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis, gbcs
from trustcell.adapters.http_client import Poster
from trustcell.app.callbacks import CallbackRules
from trustcell.app.doors import DuisAnswer
from trustcell.vocab import WireError
from web.doors import NOW, duis_door
from web.duis_client import duis_client

SIGNER = "dsp-xml-sign-90B3D51F30000002-ds"
USER = "xml-sign-90B3D51F30010000-ds"
TEMPLATE = "CS02fMAC_6.24.1_SUCCESS_REQUEST_DUIS.XML"


@pytest.fixture(scope="module")
def keys(shared):
    entries = json.loads((shared / "zaz1-test-keys.json").read_bytes())
    return {entry["name"]: entry for entry in entries}


def response(keys, request_id, reference, variant, code) -> bytes:
    entry = keys[SIGNER]
    private = ec.derive_private_key(int(entry["private_scalar_hex"], 16), ec.SECP256R1())
    octets = duis.build_response(duis.acknowledgement(request_id, reference, variant, code, NOW))
    return duis.sign(
        octets, issuer_name="CN=Z1,OU=07", serial=int(entry["serial"]), sign=lambda info: gbcs.sign(private, info)
    )


class Signing:
    """Checks the client's signature, acknowledges as told."""

    def __init__(self, keys, code="I99"):
        self.keys, self.code = keys, code
        self.requests: list = []
        certificate = x509.load_der_x509_certificate(base64.b64decode(keys[USER]["certificate_der_b64"]))
        self.key = certificate.public_key()

    async def submit(self, octets, door):
        try:
            parsed = duis.parse_request(octets)
            duis.verify(parsed.document, self.key)
        except WireError as error:
            return DuisAnswer(None, error.code, "1709283600-x", error)
        request = parsed.request
        self.requests.append((request, door))
        answer = response(
            self.keys, request.request_id, request.service_reference, request.service_reference_variant, self.code
        )
        return DuisAnswer(answer, self.code, "1709283600-x")

    def health(self):
        return {}


@pytest.fixture(scope="module")
def world(keys):
    with duis_door() as door, duis_client(f"http://127.0.0.1:{door.port}") as client:
        yield door, client


@pytest.mark.parametrize("code", ["I99", "E19", "E062103"])
@pytest.mark.parametrize("service", ["serviceS", "serviceT", "serviceD"])
def test_the_client_takes_every_answer_in_time(world, keys, code, service):
    door, client = world
    engine = Signing(keys, code)
    object.__setattr__(door.door, "engine", engine)
    request = client.template(TEMPLATE)
    request["header"]["requestId"]["originatorId"] = "90-B3-D5-1F-30-01-00-00"
    request["header"]["requestId"]["counter"] = "1709283600001"
    answer = client.exchange(service, request)
    assert (answer["status"], answer["type"]) == (200, "application/xml")
    assert answer["valid"], answer
    assert answer["milliseconds"] < 3000
    header = answer["message"]["header"]
    assert header["type"] == "response"
    assert header["responseCode"] == code
    assert header["requestId"]["counter"] == "1709283600001"
    sent, through = engine.requests[0]
    assert (str(sent.request_id.originator), through) == ("90-B3-D5-1F-30-01-00-00", service)


def test_what_is_no_duis_is_400_for_the_client(world, keys):
    door, client = world
    object.__setattr__(door.door, "engine", Signing(keys))
    answer = client.do("exchange", service="serviceS", xml="<hello/>", raw=True)
    assert answer["status"] == 400
    assert json.loads(answer["body"])["code"]


def test_a_callback_is_validated_and_taken_by_the_client(world, keys):
    _, client = world
    port = client.listen()
    request_id = duis.RequestId.parse("90-B3-D5-1F-30-01-00-00:00-DB-12-34-56-78-90-A3:1709283600001")
    octets = response(keys, request_id, "6.15", "6.15.1", "I0")

    async def deliver():
        async with Poster(CallbackRules(lab=True).may_connect) as way:
            url = f"http://127.0.0.1:{port}/smartdcc/duis"
            good = await way.post(url, octets)
            spoilt = await way.post(url, octets.replace(b"I0", b"I99"))
            lost = await way.post(f"http://127.0.0.1:{port}/other", octets)
            return [each.status for each in (good, spoilt, lost)]

    assert asyncio.run(deliver()) == [204, 400, 404]
    taken, refused = client.callback(), client.callback()
    assert taken["valid"]
    assert taken["message"]["header"]["responseCode"] == "I0"
    assert not refused["valid"]
    client.do("stop")
