"""Which home a request belongs to, found in its octets before anybody reads them. It routes and checks nothing."""

import re
from collections.abc import Callable

from trustcell import duis
from trustcell.vocab import Eui64

_HEAD = 64 * 1024
"""A request names what it is about in its first elements; a firmware image comes after them."""
_EUI = rb"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}"
_ID = re.compile(rb"RequestID>\s*(" + _EUI + rb"):(" + _EUI + rb"):")
_VARIANT = re.compile(rb"ServiceReferenceVariant>\s*([0-9.]{1,12})\s*<")
_DEVICE = re.compile(rb"[<:]DeviceID>\s*(" + _EUI + rb")\s*<")


def subject_of(octets: bytes) -> Eui64 | None:
    """The device a request is about; its originator when it is about none; ``None`` where that cannot be seen.

    As ``dsp.rules.services.subject`` finds it in a request that was read, but for those about no device.
    """
    head = octets[:_HEAD]
    named = _ID.search(head)
    if named is None:
        return None
    variant = _VARIANT.search(head)
    service = None if variant is None else duis.services().get(variant[1].decode("ascii"))
    if service is None or not service.non_device:
        return _eui(named[2])
    device = _DEVICE.search(head)
    return _eui(named[1] if device is None else device[1])


def home_in(octets: bytes, home_of: Callable[[Eui64], str]) -> str | None:
    """The home of a request, ``None`` when any will do."""
    subject = subject_of(octets)
    return None if subject is None else home_of(subject)


def _eui(text: bytes) -> Eui64:
    return Eui64.parse(text.decode("ascii"))
