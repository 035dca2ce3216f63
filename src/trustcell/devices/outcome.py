"""What the device machine returns: the device afterwards and the octets it sends."""

from typing import NamedTuple

from trustcell.devices.fleet import Device


class Outcome(NamedTuple):
    """The device after an event, and its answers in order: alerts and at most one response."""

    device: Device
    answers: tuple[bytes, ...]
