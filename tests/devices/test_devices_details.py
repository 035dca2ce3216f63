"""CS02a and CS02f: both forms and their refusals (gbcs.md 4.4)."""

import pytest

from devices.devices_lab import A3, ACB, ACB_DS, ACB_KA, COS_DS, NO, NO_DS, NOW, SUP, TCOS, Lab, Role, refused, reply
from trustcell.devices import ROOT_ENTITY, Device, receive
from trustcell.gbcs import frame, protect
from trustcell.gbcs.frame import Cra
from trustcell.gbcs.payload import encode_payload
from trustcell.gbcs.usecases.cs02a import ProvideCredentialDetails
from trustcell.vocab import CellId, Eui64


def ask(
    lab: Lab, device: Device, who: Eui64, cell: CellId, *roles: Role, mac: bool, code: int = 0x0008, counter=1
) -> bytes:
    body = encode_payload(code, Cra.COMMAND, ProvideCredentialDetails(cell, roles))
    return lab.send(device, who, code, counter, body, signer=None if mac else lab.of(who, "DS"), mac=mac)


def test_the_broker_reads_a_gpf_by_mac(lab: Lab):
    device = lab.gpf()
    octets = ask(lab, device, ACB, ACB_KA, Role.NETWORK_OPERATOR, Role.SUPPLIER, Role.ROOT, Role.WAN_PROVIDER, mac=True)
    after, (answer,) = receive(device, octets, NOW)
    assert after == device
    message = frame.decode(answer)
    assert (message.signature, message.date_time) == (b"", b"")
    assert protect.check_mac(message, lab.secret(device))
    operator, supplier, root, wan = reply(answer)
    assert {details.entity for details in (*operator.cells, *supplier.cells)} == {ACB}
    assert [len(operator.cells), len(supplier.cells)] == [2, 3]
    assert root.cells[0].entity == ROOT_ENTITY
    assert (wan.status, wan.cells, wan.current_seq_number) == (25, None, None)


def test_the_number_reported_is_that_of_cs02b(lab: Lab):
    device = lab.gpf_of_no()
    device = device.with_state(device.state.with_exec(Role.NETWORK_OPERATOR, 99999))
    device, _ = receive(device, lab.give_back(device), NOW)
    _, (answer,) = receive(device, ask(lab, device, ACB, ACB_KA, Role.NETWORK_OPERATOR, mac=True), NOW)
    assert reply(answer)[0].current_seq_number == 5000


def test_a_read_is_not_protected_against_replay(lab: Lab):
    device = lab.gpf()
    octets = ask(lab, device, ACB, ACB_KA, Role.SUPPLIER, mac=True)
    assert receive(device, octets, NOW) == receive(receive(device, octets, NOW).device, octets, NOW)
    assert len(receive(device, ask(lab, device, ACB, ACB_KA, mac=True, counter=2**64 - 1), NOW).answers) == 1


@pytest.mark.parametrize("who", ["broker in the operator cell", "transitional"])
def test_another_party_asks_by_signature(lab: Lab, who: str):
    device = lab.gpf()
    party, cell = (TCOS, COS_DS) if who == "transitional" else (ACB, NO_DS)
    octets = ask(lab, device, party, cell, Role.SUPPLIER, mac=False)
    _, (answer,) = receive(device, octets, NOW)
    assert frame.decode(answer).mac is None
    spoiled = octets[:-1] + bytes([octets[-1] ^ 1])
    refused(device, spoiled, "signature_wrong")


def test_refusals(lab: Lab):
    device = lab.gpf()
    octets = ask(lab, device, ACB, ACB_KA, Role.SUPPLIER, mac=True)
    refused(device, octets[:-1] + bytes([octets[-1] ^ 1]), "mac_wrong")
    refused(device, ask(lab, device, SUP, ACB_KA, Role.SUPPLIER, mac=True), "originator_not_in_cell")
    refused(device, ask(lab, device, TCOS, COS_DS, Role.SUPPLIER, mac=True), "authorising_cell_wrong")
    refused(device, ask(lab, device, ACB, ACB_KA, Role.SUPPLIER, mac=False), "authorising_cell_wrong")
    refused(device, ask(lab, device, ACB, ACB_DS, Role.SUPPLIER, mac=False), "authorising_cell_absent")
    refused(device, ask(lab, device, NO, NO_DS, Role.SUPPLIER, mac=False), "originator_not_in_cell")
    refused(device, ask(lab, device, ACB, ACB_KA, *[Role.SUPPLIER] * 17, mac=True), "too_many_roles")
    refused(device, ask(lab, device, ACB, ACB_KA, Role.SUPPLIER, mac=True, code=0x011B), "command_not_supported")
    body = encode_payload(0x0008, Cra.COMMAND, ProvideCredentialDetails(ACB_KA, ()))
    both = lab.send(device, ACB, 0x0008, 1, body, signer=lab.of(ACB, "DS"))
    refused(device, both, "protection_not_expected")
    refused(device, lab.send(device, ACB, 0x0008, 1, body, mac=False), "protection_not_expected")
    assert device.eui == A3
