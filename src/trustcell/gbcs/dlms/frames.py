"""The three APDUs of a DLMS payload: access-request, access-response, data-notification (dlms-gbz.md 2.3).

```
access-request    D9 priority[1] invoke-id[3] 00    n spec*n  n data*n
access-response   DA priority[1] invoke-id[3] 00 00 n data*n  n result*n
data-notification 0F priority[1] invoke-id[3] 00    data
spec              service[1] class[2] OBIS[6] element[1] [selector[1] data]      result   service[1] code[1]
```
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from trustcell.gbcs.dlms.data import NULL, Data, read_members, write_data
from trustcell.gbcs.dlms.lengths import MAX_LENGTH, read_length, write_length
from trustcell.gbcs.dlms.scalars import END
from trustcell.vocab import WireError

TAGS: Final = frozenset((0x0F, 0xD9, 0xDA))
"""First octets of DLMS payloads (gbcs.md 3)."""

PRIORITY: Final = 0x20
"""The octet in front of every invoke id of GBCS."""


class Service(IntEnum):
    """What an instruction does; the kind of its result."""

    GET = 1
    SET = 2
    ACTION = 3


class Result(IntEnum):
    """Result codes of an instruction (dlms-gbz.md 2.4); a device may send others."""

    SUCCESS = 0
    HARDWARE_FAULT = 1
    TEMPORARY_FAILURE = 2
    READ_WRITE_DENIED = 3
    OBJECT_UNDEFINED = 4
    OBJECT_CLASS_INCONSISTENT = 9
    OBJECT_UNAVAILABLE = 11
    TYPE_UNMATCHED = 12
    SCOPE_OF_ACCESS_VIOLATED = 13
    OTHER_REASON = 250


@dataclass(frozen=True, slots=True)
class Selection:
    """Selective access of a get: which part of a long attribute is wanted (dlms-gbz.md 2.5)."""

    selector: int
    parameters: Data

    def __post_init__(self) -> None:
        """Refuse a selector without an octet."""
        if not 0 <= self.selector <= 0xFF:
            raise ValueError("a selector has 8 bits")


class Instruction(tuple[Service, int, bytes, int, Data, Selection | None]):
    """One instruction of a request: service, class, instance (OBIS), attribute or method, data, selection of a get."""

    __slots__ = ()

    def __new__(
        cls,
        service: Service,
        class_id: int,
        instance: bytes,
        element: int,
        data: Data = NULL,
        selection: Selection | None = None,
    ) -> "Instruction":
        """Refuse what has no octets."""
        if not 0 <= class_id <= 0xFFFF or not 0 <= element <= 0xFF or len(instance) != 6:
            raise ValueError("a class has 16 bits, an attribute or method 8, and an instance 6 octets")
        if selection is not None and service is not Service.GET:
            raise ValueError("only a get selects")
        return tuple.__new__(cls, (Service(service), class_id, bytes(instance), element, data, selection))

    def __getnewargs__(self) -> tuple[Service, int, bytes, int, Data, Selection | None]:
        """Copies are made of the six fields."""
        return self[0], self[1], self[2], self[3], self[4], self[5]

    @property
    def service(self) -> Service:
        """Get, set or action."""
        return self[0]

    @property
    def class_id(self) -> int:
        """The COSEM class."""
        return self[1]

    @property
    def instance(self) -> bytes:
        """The OBIS code, six octets."""
        return self[2]

    @property
    def element(self) -> int:
        """The attribute of a get or set, the method of an action."""
        return self[3]

    @property
    def data(self) -> Data:
        """What is set or handed to a method; null for a get."""
        return self[4]

    @property
    def selection(self) -> Selection | None:
        """Which part of the attribute."""
        return self[5]

    @property
    def address(self) -> tuple[Service, int, bytes, int]:
        """What the instruction is about, without its data."""
        return self[:4]


class Outcome(tuple[Service, int, Data]):
    """What became of one instruction: its service, a result code, and what was returned."""

    __slots__ = ()

    def __new__(cls, service: Service, result: int = Result.SUCCESS, data: Data = NULL) -> "Outcome":
        """Refuse what has no octets."""
        if not 0 <= result <= 0xFF:
            raise ValueError("a result has 8 bits")
        return tuple.__new__(cls, (Service(service), int(result), data))

    def __getnewargs__(self) -> tuple[Service, int, Data]:
        """Copies are made of the three fields."""
        return self[0], self[1], self[2]

    @property
    def service(self) -> Service:
        """Get, set or action, as in the instruction."""
        return self[0]

    @property
    def result(self) -> int:
        """The code; see ``Result``."""
        return self[1]

    @property
    def data(self) -> Data:
        """What a get read or a method returned."""
        return self[2]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """A command. ``invoke_id`` is the low 24 bits of the Originator Counter."""

    invoke_id: int
    instructions: tuple[Instruction, ...]
    priority: int = PRIORITY

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        _check_head(self.invoke_id, self.priority, len(self.instructions))

    def encode(self) -> bytes:
        """The payload octets."""
        count = write_length(len(self.instructions))
        parts = [b"\xd9", _head(self.priority, self.invoke_id), b"\x00", count]
        for service, class_id, instance, element, _, selection in self.instructions:
            if selection is None:
                parts.append(_SPEC.pack(service, class_id, instance, element))
            else:
                parts.append(_SPEC.pack(_SELECTIVE_GET, class_id, instance, element))
                parts.append(bytes((selection.selector,)))
                write_data(selection.parameters, parts)
        parts.append(count)
        for instruction in self.instructions:
            write_data(instruction[4], parts)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class AccessResponse:
    """A response: one outcome for each instruction of the command, in its order."""

    invoke_id: int
    outcomes: tuple[Outcome, ...]
    priority: int = PRIORITY

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        _check_head(self.invoke_id, self.priority, len(self.outcomes))

    def encode(self) -> bytes:
        """The payload octets."""
        count = write_length(len(self.outcomes))
        parts = [b"\xda", _head(self.priority, self.invoke_id), b"\x00\x00", count]
        for outcome in self.outcomes:
            write_data(outcome[2], parts)
        parts.append(count)
        parts.extend(bytes(outcome[:2]) for outcome in self.outcomes)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class DataNotification:
    """An alert: one value, a structure that begins with code and time."""

    invoke_id: int
    data: Data
    priority: int = PRIORITY

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        _check_head(self.invoke_id, self.priority, 0)

    def encode(self) -> bytes:
        """The payload octets."""
        parts = [b"\x0f", _head(self.priority, self.invoke_id), b"\x00"]
        write_data(self.data, parts)
        return b"".join(parts)


Frame = AccessRequest | AccessResponse | DataNotification


def read_frame(payload: bytes) -> Frame:
    """Read one DLMS payload whole; raises ``WireError`` with a ``dlms_`` code for anything that is not one frame."""
    size = len(payload)
    tag = payload[0] if payload else None
    if tag not in TAGS:
        if tag is None:
            raise WireError(0, "kind", "an empty payload is no DLMS frame", "dlms_truncated")
        raise WireError(0, "kind", f"D9, DA or 0F was expected, not {tag:02X}", "dlms_kind")
    frame: Frame
    try:
        if payload[5]:
            raise WireError(5, "date_time", "an empty date-time (00) was expected", "dlms_date_time")
        invoke_id = payload[2] << 16 | payload[3] << 8 | payload[4]
        if tag == 0xD9:
            frame, end = _read_request(payload, invoke_id)
        elif tag == 0xDA:
            frame, end = _read_response(payload, invoke_id)
        else:
            (data,), end = read_members(payload, 6, 1)
            frame = DataNotification(invoke_id, data, payload[1])
    except END:
        raise WireError(size, "frame", "the payload ends inside a value", "dlms_truncated") from None
    except WireError as error:
        raise error if error.path else WireError(error.offset, "data", error.reason, error.code) from None
    if end != size:
        raise WireError(end, "frame", "the frame must end with its last value", "dlms_trailing")
    return frame


_SELECTIVE_GET: Final = 4
_SPEC: Final = Struct(">BH6sB")
_SERVICES: Final = {int(service): service for service in Service}


def _check_head(invoke_id: int, priority: int, count: int) -> None:
    # A shift leaves something of a negative number too.
    if invoke_id >> 24 or priority >> 8 or count > MAX_LENGTH:
        raise ValueError("an invoke id has 24 bits, a priority 8 and a count of instructions 16")


def _head(priority: int, invoke_id: int) -> bytes:
    return (priority << 24 | invoke_id).to_bytes(4, "big")


def _read_request(payload: bytes, invoke_id: int) -> tuple[AccessRequest, int]:
    """Specifications, then as many data."""
    count, at = read_length(payload, 6)
    specs: list[tuple[Service, int, bytes, int, Selection | None]] = []
    unpack = _SPEC.unpack_from
    for _ in range(count):
        number, class_id, instance, element = unpack(payload, at)
        at += 10
        service, selection = _SERVICES.get(number), None
        if service is None:
            if number != _SELECTIVE_GET:
                raise WireError(at - 10, "spec", "get, set, action or selective get was expected", "dlms_spec")
            selector = payload[at]
            (parameters,), at = read_members(payload, at + 1, 1)
            service, selection = Service.GET, Selection(selector, parameters)
        specs.append((service, class_id, instance, element, selection))
    data, at = _read_data(payload, at, count)
    new = tuple.__new__
    instructions = tuple(
        [
            new(Instruction, (service, class_id, instance, element, value, selection))
            for (service, class_id, instance, element, selection), value in zip(specs, data, strict=True)
        ]
    )
    return AccessRequest(invoke_id, instructions, payload[1]), at


def _read_response(payload: bytes, invoke_id: int) -> tuple[AccessResponse, int]:
    """Data, then as many results."""
    if payload[6]:
        raise WireError(6, "specification", "no copy of the request (00) was expected", "dlms_specification")
    count, at = read_length(payload, 7)
    data, at = read_members(payload, at, count)
    at = _same_count(payload, at, count, "results")
    results = payload[at : at + 2 * count]
    if len(results) < 2 * count:
        raise IndexError
    outcomes: list[Outcome] = []
    new = tuple.__new__
    for value, number, result in zip(data, results[::2], results[1::2], strict=True):
        service = _SERVICES.get(number)
        if service is None:
            where = at + 2 * len(outcomes)
            raise WireError(where, "results", "get, set or action was expected", "dlms_spec")
        outcomes.append(new(Outcome, (service, result, value)))
    return AccessResponse(invoke_id, tuple(outcomes), payload[1]), at + 2 * count


def _read_data(payload: bytes, at: int, count: int) -> tuple[tuple[Data, ...], int]:
    """A list that must have ``count`` data."""
    return read_members(payload, _same_count(payload, at, count, "data"), count)


def _same_count(payload: bytes, at: int, count: int, path: str) -> int:
    """The offset behind a count that repeats the first one of the frame."""
    found, end = read_length(payload, at)
    if found != count:
        raise WireError(at, path, f"{count} were expected, one for each instruction, not {found}", "dlms_count")
    return end
