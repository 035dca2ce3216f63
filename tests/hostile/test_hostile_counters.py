"""Rows N of the hostile inputs that concern doors and books; those of the counter rule are in ``tests/dsp_http``."""

import contextlib
import http.client
import shutil
import sqlite3
import threading

import pytest

from served_lab import SUPPLIER, XML, served_lab
from trustcell.vocab import Unavailable
from wire.duis.duis_signature_tools import resigned

D, S, T = "serviceD", "serviceS", "serviceT"


def again(lab, octets: bytes) -> bytes:
    return resigned(octets, lab.pair("xml-sign-90B3D51F30010000-ds").sign)


@pytest.mark.parametrize("make", ["inventory", "firmware"])
def test_n1_a_request_id_sent_twice(lab, contract, make):
    request = getattr(lab, make)()
    door = D if make == "inventory" else S
    octets = lab.signed(request)
    if lab.post(door, octets).code == "I99":
        lab.outcome(request.request_id)
    contract.refuses(lambda: lab.post(door, octets), 200, "E62", reasons={"request_id_used"})
    other = lab.inventory(counter=request.request_id.counter) if make == "inventory" else request
    contract.refuses(lambda: lab.post(door, lab.signed(other)), 200, "E62", reasons={"request_id_used"})


def test_n1_another_body_under_the_id_of_a_transform(lab, contract):
    request = lab.update()
    offered = lab.ask(request).pre_command
    assert lab.ask(request).pre_command == offered, "the same transform is answered again"
    other = lab.update(request.request_id.counter, floor_seq_number=1)
    contract.refuses(lambda: lab.ask(other), 200, "E62", reasons={"request_id_used"})
    assert lab.ask(request).pre_command == offered


def test_n1_other_spellings_of_an_id(lab, contract):
    request = lab.inventory()
    octets = lab.signed(request)
    written = str(request.request_id).encode()
    assert octets.count(written) == 1
    counter = str(request.request_id.counter).encode()
    zeros = again(lab, octets.replace(b":" + counter, b":0" + counter))
    contract.refuses(lambda: lab.post(D, zeros), 400, "schema_invalid")
    assert lab.post(D, octets).code == "I0"
    lower = again(lab, octets.replace(written, written.lower()))
    answer = lab.post(D, lower)
    assert (answer.status, answer.code) in {(200, "E62"), (400, "schema_invalid")}
    contract.refuses(lambda: lab.post(D, lower), answer.status, answer.code)


def test_n1_one_signed_pre_command_and_no_second(lab, contract):
    own = {
        "digital_signing_certificate": lab.certificate("Z1-networkOperator-ds"),
        "key_agreement_certificate": lab.certificate("Z1-networkOperator-ka"),
    }
    completed = lab.completed(lab.update(**own))
    assert lab.device_said(lab.accepted(completed))
    contract.refuses(lambda: lab.ask(completed), 200, "E62", reasons={"request_id_used"})


def test_n2_one_id_at_the_same_instant(lab):
    octets = lab.signed(lab.firmware())
    barrier = threading.Barrier(8)
    said: list[bytes] = []

    def send() -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", lab.duis_port, timeout=30)) as connection:
            connection.connect()
            barrier.wait()
            connection.request("POST", "/api/v1/serviceS", octets, XML)
            said.append(connection.getresponse().read())

    threads = [threading.Thread(target=send) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    codes = sorted("I99" if b">I99<" in each else "E62" if b">E62<" in each else "?" for each in said)
    assert codes == ["E62"] * 7 + ["I99"]


@pytest.mark.parametrize("counter", [2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1])
def test_n3_ids_to_the_last_number_are_stored_exactly(lab, contract, counter):
    request = lab.inventory(counter=counter)
    assert lab.ask(request).code == "I0"
    found = lab.told(f"/api/requests/{request.request_id}")
    assert (found["counter"], found["originator"]) == (str(counter), str(SUPPLIER))
    contract.refuses(lambda: lab.ask(request), 200, "E62")


@pytest.mark.parametrize("counter", [b"18446744073709551616", b"-1", b"1e3", b"0x10", b"+5", b"1 2", b""])
def test_n3_what_is_no_number(lab, contract, counter):
    request = lab.inventory()
    known = b":" + str(request.request_id.counter).encode() + b"<"
    evil = again(lab, lab.signed(request).replace(known, b":" + counter + b"<"))
    contract.refuses(lambda: lab.post(D, evil), 400, "schema_invalid")


def test_n18_no_counter_is_edited_downwards(lab):
    assert lab.leave(2**62)
    lab.wait(lambda: lab.highest() == 2**62)
    assert lab.accepted(lab.read())
    with contextlib.closing(sqlite3.connect(lab.folder / "dsp.db", timeout=10)) as books:
        for edit in (
            "UPDATE gpf_network_operator_floor SET highest_counter = 1",
            "DELETE FROM gpf_network_operator_floor",
            "UPDATE originator_counter SET last_own = last_own - 1",
            "DELETE FROM originator_counter",
            "UPDATE trail SET octets = x'00'",
            "DELETE FROM trail",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                books.execute(edit)
            books.rollback()
    assert lab.highest() == 2**62


def test_n15_an_older_copy_is_not_taken_up(shared, tmp_path):
    """A copy from before the last head is put back: the start is refused until somebody says what happened."""
    home = tmp_path / "home"
    with served_lab(shared, home) as lab:
        assert lab.ask(lab.inventory()).code == "I0"
        lab.pass_time(3)
        lab.wait(lambda: list(home.glob("dsp-heads/*")))
    backup = tmp_path / "backup.db"
    shutil.copy(home / "dsp.db", backup)
    with served_lab(shared, home) as lab:
        assert lab.ask(lab.inventory()).code == "I0"
        known = (home / "dsp-heads" / "dsp-heads-0.jsonl").read_bytes()
        lab.pass_time(3)
        lab.wait(lambda: (home / "dsp-heads" / "dsp-heads-0.jsonl").read_bytes() != known)
    for each in home.glob("dsp.db*"):
        each.unlink()
    shutil.copy(backup, home / "dsp.db")
    for _ in range(2):
        with pytest.raises(Unavailable) as refusal, served_lab(shared, home):
            pytest.fail("an older copy was taken up")
        assert refusal.value.code == "store_rolled_back"


def test_n16_of_two_on_one_database_one_serves(shared, tmp_path):
    """On SQLite whoever starts takes over, for whoever was there is thought gone; the epoch stops the other at once."""
    with served_lab(shared, tmp_path / "home") as first:
        request = first.inventory()
        assert first.ask(request).code == "I0"
        with served_lab(shared, tmp_path / "home") as second:
            assert second.ask(request).code == "E62", "what the first accepted is known"
            first.wait(lambda: first.ask(first.inventory()).status == 503)
            assert second.ask(second.inventory(counter=7)).code == "I0"
            again = first.ask(first.inventory(counter=8))
            assert again.status == 503
            with second.books() as books:
                assert (
                    books.execute("SELECT count(*) FROM request WHERE counter = ?", (bytes(7) + b"\x08",)).fetchone()[0]
                    == 0
                )
