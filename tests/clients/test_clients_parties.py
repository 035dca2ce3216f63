"""What a lab file makes of the public keys: the DCC's parties with all their keys, devices with their certificates."""

from pathlib import Path

import pytest

from trustcell.adapters.keyfiles import read_key_file
from trustcell.adapters.parties import CertificateDirectory
from trustcell.app.dsp_lab import LabFile, LabParties
from trustcell.app.lab import key_pair, read_lab
from trustcell.app.lab_repository import LAB_SEED, open_lab
from trustcell.certs import Certificate
from trustcell.devices import DerivedKeys
from trustcell.dsp import DeviceRecord, Occupant
from trustcell.dsp.service.building import BROKER_AGREEMENT_CELL, Builder
from trustcell.vocab import DeviceType, Eui64, KeyUsage, Refused

GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")
POINT = DerivedKeys(LAB_SEED, 1).public_point(GPF, KeyUsage.KEY_AGREEMENT, 0)


@pytest.fixture
def parties(shared: Path) -> LabParties:
    path = shared / "zaz1-lab.json"
    return LabFile(path, read_lab(path), read_key_file(shared / "zaz1-test-keys.json")).parties(None)


def test_dcc_parties_have_every_key_of_theirs_the_named_one_first(parties: LabParties, shared: Path) -> None:
    keys = read_key_file(shared / "zaz1-test-keys.json")

    def key_ids(*names: str) -> list[bytes | None]:
        return [key_pair(keys, name).certificate.subject_key_identifier for name in names]

    broker = parties.broker
    assert list(broker.agreement_key_ids) == key_ids("Z1-accessControlBroker-ka", "Z1b-accessControlBroker-ka")
    assert all(broker.holds(each) for each in key_ids("Z1-accessControlBroker-ds", "Z1b-accessControlBroker-ds"))
    assert not any(broker.holds(each) for each in key_ids("dsp-xml-sign-90B3D51F30000002-ds"))
    cos = parties.transitional_cos
    assert all(cos.holds(each) for each in key_ids("Z1-transitionalCoS-ds", "Z1b-transitionalCoS-ds"))


def test_a_device_whose_broker_cell_holds_a_foreign_key_is_refused(parties: LabParties) -> None:
    """By itself, and not as a fault of the key store that would hold up everybody's requests."""
    device = DeviceRecord(GPF, DeviceType.GPF, agreement_point=POINT)
    builder = Builder(CertificateDirectory(()), parties.broker, parties.transitional_cos)
    gone = {BROKER_AGREEMENT_CELL: Occupant(parties.broker.entity, bytes(8))}
    with pytest.raises(Refused, match="broker_key_not_held"):
        builder.secret(device, gone)


def test_lab_devices_know_their_own_certificates(shared: Path) -> None:
    path, keys = shared / "zaz1-lab.json", shared / "zaz1-test-keys.json"
    with open_lab(path, (keys,), None) as lab:
        fleet = LabFile(path, read_lab(path), read_key_file(keys), lab.certificate).fleet(LAB_SEED)
        device = fleet.device(GPF, DeviceType.GPF)
        for usage in (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT):
            certificate = Certificate.from_der(device.certificate(usage))
            assert certificate.public_key_point == device.public_point(usage)
            retrieved = lab.door.repository.retrieve_serial(certificate.serial, lab.door.clock())
            assert retrieved is not None
            assert retrieved.der == certificate.der
