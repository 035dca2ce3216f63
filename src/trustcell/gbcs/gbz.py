"""GBZ payloads: ZigBee cluster commands wrapped for GBCS, and the alert form (dlms-gbz.md 3.1, 3.2, 3.5).

```
frame      0109 n component*n
component  control[1] cluster[2] length[2]  [from-date-time[4]] fc seq cmd body                     plain
           control[1] cluster[2] length[2]  00 frame-counter[1] fc seq cmd length[2] protected      encrypted
protected  31 00000000 ciphertext tag[12]
alert      0109 n alert-code[2] time[4] specific
```
Numbers of this level are big-endian; the little-endian ZCL fields lie inside ``body``, which stays opaque.
"""

import struct
from dataclasses import dataclass
from typing import Final

from trustcell.gbcs.encrypted import SECURITY_HEADER, TAG_OCTETS, EncryptedPart
from trustcell.vocab import WireError

PROFILE: Final = b"\x01\x09"
"""ZigBee profile identifier in front of every GBZ payload."""

LAST: Final = 0x01
ENCRYPTED: Final = 0x02
DATED: Final = 0x10

BILLING_DATA_LOG: Final = 0x8F0A
"""Alert code of GCS53, the one GBZ alert whose specific part is a component list (dlms-gbz.md 3.5)."""

_CONTROLS: Final = frozenset((0, LAST, ENCRYPTED, ENCRYPTED | LAST, DATED, DATED | LAST))
_HEADER: Final = struct.Struct(">BHH")
_MAX_BODY: Final = 0xFFFF - 3
_MIN_PROTECTED: Final = len(SECURITY_HEADER) + 1 + TAG_OCTETS


@dataclass(frozen=True, slots=True)
class GbzComponent:
    """One component of a GBZ payload (dlms-gbz.md 3.1).

    ``control`` has bit 0 on the last component, bit 1 when encrypted, bit 4 when ``from_date_time`` (seconds since
    2000-01-01 UTC, FFFFFFFF for never) is there. ``frame_control``, ``sequence`` and ``command`` are the ZCL header.
    ``body`` is the ZCL payload, or the protected octets (security header, ciphertext, tag) of an encrypted one, which
    alone has a ``frame_counter``.
    """

    control: int
    cluster: int
    frame_control: int
    sequence: int
    command: int
    body: bytes
    from_date_time: int | None = None
    frame_counter: int | None = None

    def __post_init__(self) -> None:
        """Refuse a component that has no octets, or whose optional fields contradict its control octet."""
        control = self.control
        if control not in _CONTROLS:
            raise ValueError("a control octet has bits 0, 1 and 4 only, and not both of bits 1 and 4")
        # A shift leaves something of a negative number too.
        if self.cluster >> 16 or (self.frame_control | self.sequence | self.command) >> 8:
            raise ValueError("a cluster has 16 bits; frame control, sequence and command have 8")
        if len(self.body) > _MAX_BODY:
            raise ValueError("the body does not fit a length of 16 bits")
        # Three cases in one comparison, since nearly every component is plain and undated.
        if control > LAST or self.from_date_time is not None or self.frame_counter is not None:
            self._check_options()

    def _check_options(self) -> None:
        """The optional fields stand or fall with their control bits."""
        if (self.from_date_time is not None) is not bool(self.control & DATED):
            raise ValueError("a from date-time stands or falls with bit 4 of the control octet")
        if (self.frame_counter is not None) is not self.encrypted:
            raise ValueError("a frame counter stands or falls with bit 1 of the control octet")
        if self.from_date_time is not None and not 0 <= self.from_date_time <= 0xFFFFFFFF:
            raise ValueError("a from date-time has 32 bits")
        if self.frame_counter is not None and not 0 <= self.frame_counter <= 0xFF:
            raise ValueError("a frame counter has 8 bits")
        if len(self.body) > _MAX_BODY - 4:
            raise ValueError("the body does not fit a length of 16 bits")
        if self.encrypted and (len(self.body) < _MIN_PROTECTED or not self.body.startswith(SECURITY_HEADER)):
            raise ValueError("an encrypted body is security header, ciphertext and tag")

    @property
    def last(self) -> bool:
        """Whether this component says it is the last one."""
        return bool(self.control & LAST)

    @property
    def encrypted(self) -> bool:
        """Whether the body is ciphertext."""
        return bool(self.control & ENCRYPTED)

    def encode(self) -> bytes:
        """The component octets with their header."""
        zcl = bytes((self.frame_control, self.sequence, self.command))
        if self.frame_counter is not None:
            content = bytes((0, self.frame_counter)) + zcl + len(self.body).to_bytes(2, "big") + self.body
        elif self.from_date_time is not None:
            content = self.from_date_time.to_bytes(4, "big") + zcl + self.body
        else:
            content = zcl + self.body
        return _HEADER.pack(self.control, self.cluster, len(content)) + content


@dataclass(frozen=True, slots=True)
class GbzAlert:
    """The head of a GBZ alert: its code, its time in seconds since 2000-01-01 UTC, and opaque specific octets."""

    code: int
    time: int
    specific: bytes = b""

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit their fields."""
        if not (0 <= self.code <= 0xFFFF and 0 <= self.time <= 0xFFFFFFFF):
            raise ValueError("an alert code has 16 bits and a time 32")

    def encode(self) -> bytes:
        """Code, time and specific octets."""
        return self.code.to_bytes(2, "big") + self.time.to_bytes(4, "big") + self.specific


@dataclass(frozen=True, slots=True)
class GbzFrame:
    """One GBZ payload; ``encode`` gives back the octets it was read from.

    A command or response has components and no alert. An alert has specific octets, or components, or neither.
    """

    components: tuple[GbzComponent, ...]
    alert: GbzAlert | None = None

    def __post_init__(self) -> None:
        """Refuse a frame without content or with more components than its count can say."""
        components = self.components
        if self.alert is None:
            if not 1 <= len(components) <= 0xFF:
                raise ValueError("a GBZ command or response has 1 to 255 components")
            if not components[-1].control & LAST:
                raise ValueError("exactly the last component has bit 0 of its control octet set")
            for component in components[:-1]:
                if component.control & LAST:
                    raise ValueError("exactly the last component has bit 0 of its control octet set")
        elif len(components) > 0xFF or (components and self.alert.specific):
            raise ValueError("a GBZ alert has specific octets or at most 255 components, not both")

    @property
    def encrypted(self) -> tuple[EncryptedPart, ...]:
        """The encrypted parts with their offsets in the payload, in order."""
        found = []
        at = 9 if self.alert else 3
        for ordinal, component in enumerate(self.components):
            at += 8
            if component.encrypted:
                body, start = component.body, len(SECURITY_HEADER)
                found.append(EncryptedPart(at + 4 + start, body[start:-TAG_OCTETS], body[-TAG_OCTETS:], ordinal))
                at += 4
            elif component.from_date_time is not None:
                at += 4
            at += len(component.body)
        return tuple(found)

    def encode(self) -> bytes:
        """The payload octets."""
        components = b"".join(component.encode() for component in self.components)
        if self.alert is None:
            return PROFILE + bytes((len(self.components),)) + components
        count = 1 if self.alert.specific else len(self.components)
        return PROFILE + bytes((count,)) + self.alert.encode() + components


def read_frame(payload: bytes, alert: bool = False) -> GbzFrame:
    """Read one GBZ payload; raises ``WireError`` with a ``gbz_`` code for anything that is not one frame.

    ``alert`` says that the header's CRA flag is alert: the payload itself does not tell the two forms apart.
    """
    if payload[:2] != PROFILE:
        raise WireError(0, "profile", "profile 0109 was expected", "gbz_profile")
    if alert:
        return _read_alert(payload)
    if len(payload) < 3:
        raise WireError(2, "count", "a number of components was expected, the payload ends", "gbz_truncated")
    count = payload[2]
    if not count:
        raise WireError(2, "count", "at least one component was expected", "gbz_count")
    components = _read_components(payload, 3, count)
    try:
        return GbzFrame(components)
    except ValueError as error:
        # The count was read from one octet, so only the last flag can be wrong here.
        raise WireError(3, "components", str(error), "gbz_last") from None


def _read_alert(payload: bytes) -> GbzFrame:
    """The alert form (dlms-gbz.md 3.5); its last flag has no vector in public and is not judged."""
    if len(payload) < 9:
        raise WireError(len(payload), "alert", "ends inside code and time of the alert", "gbz_truncated")
    count = payload[2]
    code = payload[3] << 8 | payload[4]
    time = int.from_bytes(payload[5:9], "big")
    if code == BILLING_DATA_LOG and count:
        return GbzFrame(_read_components(payload, 9, count), GbzAlert(code, time))
    specific = payload[9:]
    if count != (1 if specific else 0):
        raise WireError(2, "count", "1 before specific octets and 0 before none was expected", "gbz_count")
    return GbzFrame((), GbzAlert(code, time, specific))


def _read_components(payload: bytes, at: int, count: int) -> tuple[GbzComponent, ...]:
    """``count`` components that end with the payload."""
    size = len(payload)
    components = []
    for ordinal in range(count):
        if at + 5 > size:
            raise WireError(size, f"component[{ordinal}]", "the payload ends inside a header", "gbz_truncated")
        control, cluster, length = _HEADER.unpack_from(payload, at)
        zcl = at + 5
        end = zcl + length
        if end > size:
            raise WireError(at + 3, f"component[{ordinal}]", "the payload ends inside a component", "gbz_truncated")
        if control > LAST:
            components.append(_read_optional(payload, at, end, ordinal))
        else:
            if length < 3:
                raise WireError(zcl, f"component[{ordinal}]", "no room for a ZCL header", "gbz_length")
            if payload[zcl] & 0x04:
                raise _manufacturer_specific(zcl, ordinal)
            body = payload[zcl + 3 : end]
            component = GbzComponent(control, cluster, payload[zcl], payload[zcl + 1], payload[zcl + 2], body)
            components.append(component)
        at = end
    if at != size:
        raise WireError(at, "frame", "the payload must end with its last component", "gbz_trailing")
    return tuple(components)


def _read_optional(payload: bytes, at: int, end: int, ordinal: int) -> GbzComponent:
    """One component with a from date-time or with an encrypted body, between ``at`` and ``end``."""
    path = f"component[{ordinal}]"
    control, cluster, _ = _HEADER.unpack_from(payload, at)
    zcl = at + (9 if control & DATED else 7)
    if control not in _CONTROLS:
        raise WireError(at, path, f"control {control:02X} is not in use", "gbz_control")
    if end < zcl + 3:
        raise WireError(at + 5, path, "no room for a ZCL header", "gbz_length")
    if payload[zcl] & 0x04:
        raise _manufacturer_specific(zcl, ordinal)
    header = (control, cluster, payload[zcl], payload[zcl + 1], payload[zcl + 2])
    if control & DATED:
        return GbzComponent(*header, payload[zcl + 3 : end], int.from_bytes(payload[at + 5 : zcl], "big"))
    if payload[at + 5]:
        raise WireError(at + 5, path, "additional header control 00 was expected", "gbz_additional_header")
    body = payload[zcl + 5 : end]
    if int.from_bytes(payload[zcl + 3 : zcl + 5], "big") != len(body) or len(body) < _MIN_PROTECTED:
        raise WireError(zcl + 3, path, "a ciphered length that fills the component was expected", "gbz_length")
    if not body.startswith(SECURITY_HEADER):
        raise WireError(zcl + 5, path, "security header 31 00000000 was expected", "gbz_security_header")
    return GbzComponent(*header, body, None, payload[at + 6])


def _manufacturer_specific(at: int, ordinal: int) -> WireError:
    """Bit 2 of the ZCL frame control would bring a manufacturer code, which GBCS never has (dlms-gbz.md 3.2)."""
    return WireError(
        at, f"component[{ordinal}]", "a command without manufacturer code was expected", "gbz_manufacturer"
    )
