"""GBZ payloads: ZigBee cluster commands wrapped for GBCS, and the alert form (dlms-gbz.md 3.1, 3.2, 3.5).

```
frame      0109 n component*n
component  control[1] cluster[2] length[2]  [from-date-time[4]] fc seq cmd content                  plain
           control[1] cluster[2] length[2]  00 frame-counter[1] fc seq cmd length[2] protected      encrypted
alert      0109 n alert-code[2] time[4] specific
```
Numbers of this level are big-endian; those of the ZCL payload behind ``fc seq cmd`` are little-endian.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final

from trustcell.gbcs.encrypted import SECURITY_HEADER, TAG_OCTETS, EncryptedPart
from trustcell.gbcs.gbz.contents import (
    CLUSTER_SPECIFIC,
    FRAME_TYPE,
    FROM_SERVER,
    MANUFACTURER_SPECIFIC,
    Ciphered,
    Content,
    read_content,
    write_content,
)
from trustcell.vocab import WireError

PROFILE: Final = b"\x01\x09"
"""ZigBee profile identifier in front of every GBZ payload."""

LAST: Final = 0x01
ENCRYPTED: Final = 0x02
DATED: Final = 0x10

BILLING_DATA_LOG: Final = 0x8F0A
"""Alert code of GCS53, the one GBZ alert whose specific part is a component list (dlms-gbz.md 3.5)."""

_CONTROLS: Final = frozenset((0, LAST, ENCRYPTED, ENCRYPTED | LAST, DATED, DATED | LAST))
_HEADER: Final = Struct(">BHH")
_MAX_CONTENT: Final = 0xFFFF - 16
_MIN_PROTECTED: Final = len(SECURITY_HEADER) + 1 + TAG_OCTETS


class Component(tuple[int, int, int, int, int, Content | Ciphered, int | None]):
    """One component of a GBZ payload (dlms-gbz.md 3.1).

    ``control`` has bit 0 on the last component, bit 1 when encrypted, bit 4 when ``from_date_time`` (seconds since
    2000-01-01 UTC, FFFFFFFF for never) is there. ``frame_control``, ``sequence`` and ``command`` are the ZCL header.
    """

    __slots__ = ()

    def __new__(
        cls,
        control: int,
        cluster: int,
        frame_control: int,
        sequence: int,
        command: int,
        content: Content | Ciphered,
        from_date_time: int | None = None,
    ) -> "Component":
        """Refuse a component that has no octets, whose options contradict its control octet or content its header."""
        if control not in _CONTROLS:
            raise ValueError("a control octet has bits 0, 1 and 4 only, and not both of bits 1 and 4")
        # A shift leaves something of a negative number too.
        if cluster >> 16 or (frame_control | sequence | command) >> 8:
            raise ValueError("a cluster has 16 bits; frame control, sequence and command have 8")
        if frame_control & (FRAME_TYPE | MANUFACTURER_SPECIFIC) > CLUSTER_SPECIFIC:
            raise ValueError("a frame control octet says general or cluster-specific, and no manufacturer")
        if (from_date_time is not None) is not bool(control & DATED) or (from_date_time or 0) >> 32:
            raise ValueError("a from date-time of 32 bits stands or falls with bit 4 of the control octet")
        if isinstance(content, Ciphered) is not bool(control & ENCRYPTED):
            raise ValueError("ciphertext stands or falls with bit 1 of the control octet")
        octets = write_content(content)
        if len(octets) > _MAX_CONTENT:
            raise ValueError("the content does not fit a length of 16 bits")
        if not isinstance(content, Ciphered) and not _selects(cluster, frame_control, command, octets, content):
            raise ValueError("the content is not what cluster, frame control and command select")
        return tuple.__new__(cls, (control, cluster, frame_control, sequence, command, content, from_date_time))

    def __getnewargs__(self) -> tuple[int, int, int, int, int, Content | Ciphered, int | None]:
        """Copies are made of the seven fields."""
        return self[0], self[1], self[2], self[3], self[4], self[5], self[6]

    @property
    def control(self) -> int:
        """Bits 0 (last), 1 (encrypted) and 4 (dated)."""
        return self[0]

    @property
    def cluster(self) -> int:
        """The ZigBee cluster."""
        return self[1]

    @property
    def frame_control(self) -> int:
        """The first octet of the ZCL header."""
        return self[2]

    @property
    def sequence(self) -> int:
        """A response repeats that of the component it answers."""
        return self[3]

    @property
    def command(self) -> int:
        """General or cluster command, as the frame control says."""
        return self[4]

    @property
    def content(self) -> Content | Ciphered:
        """What the command carries."""
        return self[5]

    @property
    def from_date_time(self) -> int | None:
        """Where a log read starts, or when a setting becomes active."""
        return self[6]

    @property
    def last(self) -> bool:
        """Whether this component says it is the last one."""
        return bool(self[0] & LAST)

    @property
    def from_server(self) -> bool:
        """Whether the command comes from the server side of its cluster."""
        return bool(self[2] & FROM_SERVER)

    @property
    def cluster_specific(self) -> bool:
        """Whether the command is one of the cluster rather than a general one."""
        return self[2] & FRAME_TYPE == CLUSTER_SPECIFIC

    def encode(self) -> bytes:
        """The component octets with their header."""
        control, cluster, frame_control, sequence, command, content, date = self
        zcl = bytes((frame_control, sequence, command))
        octets = write_content(content)
        if isinstance(content, Ciphered):
            body = bytes((0, content.frame_counter)) + zcl + len(octets).to_bytes(2, "big") + octets
        elif date is not None:
            body = date.to_bytes(4, "big") + zcl + octets
        else:
            body = zcl + octets
        return _HEADER.pack(control, cluster, len(body)) + body


@dataclass(frozen=True, slots=True)
class Components:
    """A GBZ command or response."""

    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        """Refuse a frame without content or with more components than its count can say."""
        if not 1 <= len(self.components) <= 0xFF:
            raise ValueError("a GBZ command or response has 1 to 255 components")
        if not self.components[-1][0] & LAST or any(component[0] & LAST for component in self.components[:-1]):
            raise ValueError("exactly the last component has bit 0 of its control octet set")

    def encode(self) -> bytes:
        """The payload octets."""
        return PROFILE + bytes((len(self.components),)) + b"".join([each.encode() for each in self.components])


@dataclass(frozen=True, slots=True)
class Alert:
    """A GBZ alert: code, time in seconds since 2000-01-01 UTC, and either specific octets or components or neither."""

    code: int
    time: int
    specific: bytes = b""
    components: tuple[Component, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit, and specific octets where components belong."""
        if not (0 <= self.code <= 0xFFFF and 0 <= self.time <= 0xFFFFFFFF):
            raise ValueError("an alert code has 16 bits and a time 32")
        if self.components:
            if self.specific or self.code != BILLING_DATA_LOG or len(self.components) > 0xFF:
                raise ValueError("only alert 8F0A has components, at most 255, and then no specific octets")
        elif self.specific and self.code == BILLING_DATA_LOG:
            raise ValueError("alert 8F0A has components or nothing")

    def encode(self) -> bytes:
        """The payload octets."""
        count = len(self.components) or (1 if self.specific else 0)
        head = PROFILE + bytes((count,)) + self.code.to_bytes(2, "big") + self.time.to_bytes(4, "big")
        return head + self.specific + b"".join([each.encode() for each in self.components])


Frame = Components | Alert


def read_frame(payload: bytes, alert: bool = False) -> Frame:
    """Read one GBZ payload whole; raises ``WireError`` with a ``gbz_`` code for anything that is not one frame.

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
        return Components(components)
    except ValueError as error:
        # The count was read from one octet, so only the last flag can be wrong here.
        raise WireError(3, "components", str(error), "gbz_last") from None


def _selects(cluster: int, frame_control: int, command: int, octets: bytes, content: Content) -> bool:
    """Whether a reader would find this content in its octets."""
    try:
        return read_content(cluster, frame_control, command, octets) == content
    except WireError:
        return False


def encrypted_parts(frame: Frame) -> tuple[EncryptedPart, ...]:
    """The encrypted payloads of a frame, in order."""
    return tuple(
        [
            EncryptedPart(ordinal, component[5].ciphertext, component[5].tag)
            for ordinal, component in enumerate(frame.components)
            if component[0] & ENCRYPTED and isinstance(component[5], Ciphered)
        ]
    )


def _read_alert(payload: bytes) -> Alert:
    """The alert form (dlms-gbz.md 3.5); its last flag has no vector in public and is not judged."""
    if len(payload) < 9:
        raise WireError(len(payload), "alert", "ends inside code and time of the alert", "gbz_truncated")
    count = payload[2]
    code = payload[3] << 8 | payload[4]
    time = int.from_bytes(payload[5:9], "big")
    if code == BILLING_DATA_LOG:
        return Alert(code, time, b"", _read_components(payload, 9, count))
    specific = payload[9:]
    if count != (1 if specific else 0):
        raise WireError(2, "count", "1 before specific octets and 0 before none was expected", "gbz_count")
    return Alert(code, time, specific)


def _read_components(payload: bytes, at: int, count: int) -> tuple[Component, ...]:
    """``count`` components that end with the payload."""
    size = len(payload)
    components = []
    for ordinal in range(count):
        start = at + 5
        if start > size:
            raise WireError(size, f"component[{ordinal}]", "the payload ends inside a header", "gbz_truncated")
        control, cluster, length = _HEADER.unpack_from(payload, at)
        end = start + length
        if end > size:
            raise WireError(at + 3, f"component[{ordinal}]", "the payload ends inside a component", "gbz_truncated")
        try:
            components.append(_read_component(payload, control, cluster, start, end))
        except WireError as error:
            raise WireError(
                error.offset, f"component[{ordinal}]{'.' if error.path else ''}{error.path}", error.reason, error.code
            ) from None
        at = end
    if at != size:
        raise WireError(at, "frame", "the payload must end with its last component", "gbz_trailing")
    return tuple(components)


def _read_component(payload: bytes, control: int, cluster: int, start: int, end: int) -> Component:
    """One component whose octets behind its header are those from ``start`` to ``end``."""
    zcl, date = start, None
    if control > LAST:
        if control not in _CONTROLS:
            raise WireError(start - 5, "control", f"control {control:02X} is not in use", "gbz_control")
        zcl = start + (4 if control & DATED else 2)
    if zcl + 3 > end:
        raise WireError(start, "", "no room for a ZCL header", "gbz_length")
    frame_control, sequence, command = payload[zcl], payload[zcl + 1], payload[zcl + 2]
    if frame_control & (FRAME_TYPE | MANUFACTURER_SPECIFIC) > CLUSTER_SPECIFIC:
        reason = "a general or a cluster-specific command without manufacturer code was expected"
        raise WireError(zcl, "frame_control", reason, "gbz_frame_control")
    if control & ENCRYPTED:
        content: Content | Ciphered = _read_ciphered(payload, start, zcl + 3, end)
    else:
        if control & DATED:
            date = int.from_bytes(payload[start:zcl], "big")
        try:
            content = read_content(cluster, frame_control, command, payload[zcl + 3 : end])
        except WireError as error:
            raise WireError(error.offset + zcl + 3, error.path, error.reason, error.code) from None
    return tuple.__new__(Component, (control, cluster, frame_control, sequence, command, content, date))


def _read_ciphered(payload: bytes, start: int, at: int, end: int) -> Ciphered:
    """The protected octets of a component, behind their length at ``at``."""
    if payload[start]:
        raise WireError(start, "", "additional header control 00 was expected", "gbz_additional_header")
    protected = payload[at + 2 : end]
    if int.from_bytes(payload[at : at + 2], "big") != len(protected) or len(protected) < _MIN_PROTECTED:
        raise WireError(at, "", "a ciphered length that fills the component was expected", "gbz_length")
    if not protected.startswith(SECURITY_HEADER):
        raise WireError(at + 2, "", "security header 31 00000000 was expected", "gbz_security_header")
    return Ciphered(payload[start + 1], protected[len(SECURITY_HEADER) : -TAG_OCTETS], protected[-TAG_OCTETS:])
