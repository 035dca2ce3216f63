"""Rows G of the hostile inputs: pre-commands through HTTP, commands to a served device, messages to the DSP."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from served_lab import BROKER, ESME, GPF, NO_DS, OPERATOR
from trustcell import duis, gbcs
from trustcell.vocab import Eui64

S = "serviceS"
_OWN = (("digital_signing", "ds"), ("key_agreement", "ka"))


@pytest.fixture
def completed(lab) -> duis.Request:
    """A signed pre-command that would be accepted: the operator puts its own certificates in once more."""
    own = {f"{name}_certificate": lab.certificate(f"Z1-networkOperator-{end}") for name, end in _OWN}
    return lab.completed(lab.update(**own))


def payload(completed: duis.Request, octets: bytes) -> duis.Request:
    return replace(completed, body=replace(completed.body, gbcs_payload=octets))


def refused(lab, contract, completed, octets: bytes, code: str) -> None:
    contract.refuses(lambda: lab.post(S, lab.signed(payload(completed, octets))), 200, code)


# ---- at the door: what comes back signed is what was offered ----------------------------------------------------


def test_g1_a_cut_pre_command(lab, contract, completed):
    whole = completed.body.gbcs_payload
    for end in (1, 2, 3, 20, 34, len(whole) // 2, len(whole) - 66, len(whole) - 64, len(whole) - 1):
        refused(lab, contract, completed, whole[:end], "E57")
    refused(lab, contract, completed, whole[:-65], "E52")  # the older form without any signature field
    assert lab.device_said(lab.accepted(completed)), "the ID was not used up"


def test_g8_signatures_of_a_pre_command(lab, contract, completed):
    whole = completed.body.gbcs_payload
    offered, value = whole[:-65], whole[-64:]
    r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    der = encode_dss_signature(r, s)
    message = gbcs.decode(offered + b"\0")
    by_other = lab.pair("Z1-networkOperator-ka").sign(gbcs.signed_octets(message))
    for octets, code in (
        (whole[:-1] + bytes((whole[-1] ^ 1,)), "E52"),
        (offered + b"\x40" + value[32:] + value[:32], "E52"),
        (offered + bytes((len(der),)) + der, "E57"),
        (offered + b"\x41" + value + b"\0", "E57"),
        (offered + b"\x40" + bytes(64), "E52"),
        (offered + b"\0", "E52"),
        (offered + b"\x40" + by_other, "E52"),
        (offered + b"\x40" + lab.pair("Z1-supplier-ds").sign(gbcs.signed_octets(message)), "E52"),
        (whole + b"\0", "E57"),
    ):
        refused(lab, contract, completed, octets, code)
    assert lab.device_said(lab.accepted(completed))


def test_g9_a_payload_that_is_not_what_was_offered(lab, contract, completed):
    message = gbcs.decode(completed.body.gbcs_payload)
    for hostile in (b"\x30\x80" * 1_000, b"\x02\x83\x0f\x42\x40" + bytes(60_000), b"\x01\x01\x01", b""):
        changed = replace(message, payload=hostile, signature=b"")
        signed = gbcs.attach_signature(changed, lab.pair("Z1-networkOperator-ds").sign(gbcs.signed_octets(changed)))
        refused(lab, contract, completed, gbcs.encode(signed), "E57")


def test_a_pre_command_nobody_asked_for(lab, contract, completed):
    other = replace(completed, request_id=lab.ids(OPERATOR))
    contract.refuses(lambda: lab.post(S, lab.signed(other)), 200, "E57", reasons={"pre_command_unknown"})


# ---- at the device: silence, and one line of its log ------------------------------------------------------------


@pytest.fixture(scope="module")
def captured(lab) -> tuple[bytes, bytes]:
    """A whole 6.21 and a 6.24.1 as they went to the GPF, whose answers were lost: nothing in them is used up there."""
    lab.leave()
    lab.wait(lambda: lab.occupant() == BROKER)
    lab.wait(lambda: lab.slot() == str(BROKER))
    lab.break_way(lost=1.0)
    found = []
    for request in (lab.handover(), lab.read()):
        request_id = lab.accepted(request)
        lab.pass_time(301)
        assert lab.outcome(request_id).response_code == "E21"
        with lab.books() as books:
            (octets,) = books.execute(
                "SELECT octets FROM command WHERE request_counter = ?", (request_id.counter.to_bytes(8, "big"),)
            ).fetchone()
        found.append(bytes(octets))
    lab.break_way()
    return found[0], found[1]


def hears(lab, commands: list[bytes], device: Eui64 = GPF) -> None:
    """None of these is answered, each is at most one line of the log, and nothing else of the device changes."""

    def act() -> tuple:
        estate, now = lab.dsp.wan.estate, lab.clock()
        before = estate.book.device(device)
        for number, octets in enumerate(commands):
            lines = len(estate.book.device(device).log)
            assert estate.command(f"hostile {number}", device, octets, now, now)
            while estate.step(now):
                pass
            after = estate.book.device(device)
            assert after.state == before.state, number
            assert len(after.log) - lines in (0, 1), number
        return before, len(estate.post.parcels())

    before, on_their_way = lab.run(act)
    assert on_their_way == 0, "something was answered"
    lab.run(lambda: lab.dsp.wan.estate.put(before))


def test_g1_every_prefix_of_a_command(lab, captured):
    long, short = captured
    assert len(long) > 1_000
    hears(lab, [long[:end] for end in range(len(long))])
    hears(lab, [short[:end] for end in range(len(short))])


def flips(octets: bytes, step: int = 1) -> list[bytes]:
    whole = int.from_bytes(octets, "big")
    return [(whole ^ (1 << bit)).to_bytes(len(octets), "big") for bit in range(0, 8 * len(octets), step)]


def test_g14_every_flipped_bit_of_a_command(lab, captured):
    hears(lab, flips(captured[1]))
    hears(lab, flips(captured[0], 37))


def test_g7_a_mac_is_twelve_right_octets(lab, captured):
    long, short = captured
    hears(lab, [short[:-12] + mac for mac in (bytes(12), short[-12:-1], short[-12:-4], b"", short[-12:] * 2)])
    hears(lab, [short[:-12] + long[-12:], long[:-12] + short[-12:]])


def test_g3_lengths(lab, captured):
    evil = [
        octets[:place] + bytes((other,)) + octets[place + 1 :]
        for octets in captured
        for place, octet in enumerate(octets[:80])
        for other in (0x00, 0x7F, 0x80, 0x81, 0x84, 0xFF)
        if octet != other
    ]
    evil += [octets[:2] + b"\x84\xff\xff\xff\xff" + octets[2:] for octets in captured]
    hears(lab, evil)


def test_g4_g5_right_protection_around_a_wrong_head(lab, captured):
    """The broker's own key around a message that must not be obeyed."""
    message = gbcs.decode(captured[1])
    target = lab.device()
    secret = lab.pair("Z1-accessControlBroker-ka").private_key

    def sealed(**change) -> bytes:
        peer = gbcs.public_key_from_point(
            target.public_point(lab.pair("Z1-accessControlBroker-ka").certificate.key_usage)
        )
        return gbcs.seal(replace(message, mac=None, **change), gbcs.agree(secret, peer))

    nobody, unknown = Eui64(bytes(8)), Eui64.parse("01-02-03-04-05-06-07-08")
    hears(
        lab,
        [
            sealed(target=ESME),
            sealed(target=nobody),
            sealed(originator=nobody),
            sealed(originator=unknown),
            sealed(originator=GPF),
            sealed(originator=OPERATOR),
            sealed(message_code=0xFFFF),
            sealed(message_code=0x0103),
            sealed(cra=gbcs.Cra.RESPONSE),
            sealed(cra=gbcs.Cra.ALERT),
        ],
    )


def test_the_commands_that_were_bent_are_still_good(lab, captured):
    """Last of these: the silence above came from what was bent."""

    def act() -> int:
        estate, now = lab.dsp.wan.estate, lab.clock()
        for number, octets in enumerate(captured):
            assert estate.command(f"good {number}", GPF, octets, now, now)
        lab.dsp.engine.wake()
        while estate.step(now):
            pass
        return len(estate.post.parcels())

    assert lab.run(act) == 2
    lab.wait(lambda: lab.occupant() == OPERATOR)
    lab.wait(lambda: lab.slot(NO_DS) == str(OPERATOR))


# ---- at the DSP: what comes from the network --------------------------------------------------------------------


@pytest.fixture(scope="module")
def answer(lab) -> bytes:
    """What the GPF answered to a 6.24.1, kept back on its way."""
    request_id = lab.accepted(lab.read())
    return lab.outcome(request_id).message.content.gbcs_payload


def test_g1_prefixes_of_a_response(lab, answer):
    messages = [answer[:end] for end in range(0, len(answer), 5)]
    before = lab.settled()
    began = lab.last_line()
    for octets in messages:
        lab.arrives(octets)
    lab.wait(lambda: lab.last_line() >= began + len(messages), seconds=60)
    lines = lab.trail(after=began)
    assert {line["facts"]["verdict"] for line in lines} <= {"gbcs_truncated"}
    assert lab.dump()["dsp.db slot"] == before["dsp.db slot"]


def test_g14_flipped_bits_of_a_response_teach_nothing(lab, answer):
    verdicts = {"not_authentic", "not_correlated"}
    last = lab.last_line()
    before = lab.settled()
    bent = flips(answer, 11) + [answer[:-12] + each for each in (bytes(12), answer[-12:-1])]
    for octets in bent:
        lab.arrives(octets)
    lab.wait(lambda: lab.last_line() >= last + len(bent), seconds=60)
    found = [line["facts"]["verdict"] for line in lab.trail(after=last)]
    assert len(found) == len(bent)
    assert "response" not in found
    assert "repeated" not in found
    assert verdicts & set(found)
    after = lab.dump()
    for table in ("slot", "slot_event", "gpf_network_operator_floor", "request", "command", "delivery", "device"):
        assert after[f"dsp.db {table}"] == before[f"dsp.db {table}"], table
