"""Virtual devices: made by the thousand, and taking a 6.15.1 once their fleet has seen the certificates."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.harness import Case, Ratio
from trustcell import devices
from trustcell.adapters.dsp_store import Settings, open_homes
from trustcell.app.story import ENVIRONMENT, set_stage
from trustcell.stories import Exchange, own_cast
from trustcell.vocab import DeviceType, Eui64

_ECDSA = ec.ECDSA(hashes.SHA256())
_BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
_DEVICES = 20_000
_COMMANDS = 40

RATIOS = (Ratio("a 6.15.1 on a device / one ECDSA verification", "6.15.1 on a device", "one verify", 8.0, share=False),)


def cases(shared: Path) -> list[Case]:
    """Cases over a cast of its own; nothing is read from ``shared``."""
    cast = own_cast(b"bench fleet", _BEGINS)
    stage = set_stage(cast, open_homes(Settings("sqlite://", ENVIRONMENT)), tracking=True)
    played = Exchange(stage)
    public, message = cast.leaving.signing.certificate.public_key, bytes(1400)
    signature = cast.leaving.signing.private_key.sign(message, _ECDSA)
    names = [Eui64(number.to_bytes(8, "big")) for number in range(_DEVICES)]
    fleet = played.device.fleet
    counters = itertools.count(2**41, 10)
    # every command is taken by the device as it was when the command was made, so none is refused
    taken = []
    played.hand_over(cast.leaving, 1, _BEGINS)
    for _ in range(_COMMANDS):
        before = played.device
        counter = next(counters)
        command = played.leave(cast.leaving, counter, _BEGINS).submission.command
        assert command is not None
        taken.append((before, command.octets))
        played.hand_over(cast.leaving, counter, _BEGINS)

    def make() -> None:
        for eui in names:
            fleet.device(eui, DeviceType.GPF)

    def take() -> None:
        for device, octets in taken:
            _, answers = devices.receive(device, octets, _BEGINS)
            assert answers

    def refuse() -> None:
        for device, octets in taken:
            _, answers = devices.receive(device, octets[:-1] + bytes([octets[-1] ^ 1]), _BEGINS)
            assert not answers

    def verify() -> None:
        for _ in range(_COMMANDS):
            public.verify(signature, message, _ECDSA)

    return [
        Case("one verify", verify, _COMMANDS),
        Case("a device made", make, _DEVICES),
        Case("6.15.1 on a device", take, _COMMANDS),
        Case("the same with a wrong MAC", refuse, _COMMANDS),
    ]
