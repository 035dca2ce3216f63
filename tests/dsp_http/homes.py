"""Many homes in one lab: each story has a hub with a GPF that nobody has touched."""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from served_lab import OPERATOR, SUPPLIER, ServedLab
from trustcell import certs, duis
from trustcell.vocab import Eui64, RemotePartyRole

_FIRST = 0x00DB_1234_5700_0000
MANY = 40


@dataclass(frozen=True)
class Home:
    """One of the homes, and requests about its GPF."""

    lab: ServedLab
    chf: Eui64
    gpf: Eui64

    def leave(self, counter: int | None = None, **body: Any) -> duis.RequestId:
        return self.lab.leave(counter, target=self.gpf, **body)

    def update(self, counter: int | None = None, **body: Any) -> duis.Request:
        return self.lab.update(counter, target=self.gpf, **body)

    def handover(self, **body: Any) -> duis.Request:
        return self.lab.handover(self.gpf, **body)

    def take(self, **body: Any) -> Any:
        """A 6.21 that the device answers; what it says."""
        return self.lab.device_said(self.lab.accepted(self.handover(**body)))

    def gone(self, counter: int | None = None, **body: Any) -> Any:
        """A 6.15.1 that the device answers; what it says."""
        return self.lab.device_said(self.leave(counter, **body))

    def read(self, *roles: RemotePartyRole) -> Any:
        """A 6.24.1 that the device answers."""
        return self.lab.device_said(self.lab.accepted(self.lab.read(*roles, target=self.gpf)))

    @property
    def highest(self) -> int | None:
        return self.lab.highest(self.gpf)

    @property
    def device(self) -> Any:
        return self.lab.device(self.gpf)

    def number_of(self, request_id: duis.RequestId) -> int:
        """The counter of the newest command that was made of a request."""
        return self.lab.command(request_id).originator_counter


def euis(number: int) -> tuple[Eui64, Eui64]:
    """Hub and GPF of a home."""
    first = _FIRST + 16 * number
    return Eui64(first.to_bytes(8, "big")), Eui64((first + 1).to_bytes(8, "big"))


def many_homes(shared: Path, folder: Path) -> Path:
    """The lab file with more homes, all of one supplier and one operator, and a broker with two keys of each kind."""
    lab = json.loads((shared / "zaz1-lab.json").read_bytes())
    lab["dcc"]["access_control_broker"] |= {
        "former_digital_signature": ["Z1b-accessControlBroker-ds"],
        "former_key_agreement": ["Z1b-accessControlBroker-ka"],
    }
    hub, gpf, _esme = lab["devices"]
    for number in range(MANY):
        chf, proxy = map(str, euis(number))
        mprn = f"{2_000_000_000 + number}"
        lab["devices"] += [{**hub, "id": chf}, {**gpf, "id": proxy, "hub": chf, "mprn": mprn}]
        lab["registrations"] += [{"mprn": mprn, "supplier": str(SUPPLIER), "network_operator": str(OPERATOR)}]
    path = folder / "homes.json"
    path.write_text(json.dumps(lab))
    return path


def reissued(shared: Path, template: str, element: str) -> certs.Certificate:
    """A certificate of a DUIS template: the 2025 re-issue of a key of the key file (MP261)."""
    text = next((shared / "duis-templates").glob(f"{template}*")).read_text()
    found = re.search(rf"<sr:{element}>([^<]+)<", text)
    assert found is not None
    return certs.Certificate.from_der(base64.b64decode(found[1]))
