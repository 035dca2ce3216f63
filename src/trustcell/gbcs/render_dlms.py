"""DLMS frames and values as plain values for JSON and people, with the names of objects, elements and results."""

from typing import Any

from trustcell.gbcs import dlms
from trustcell.gbcs.codes import alert_text
from trustcell.gbcs.dlms import Bits, CompactArray, Data, DataType, RowType, Service
from trustcell.gbcs.dlms.names import names_of, obis_text
from trustcell.gbcs.dlms.protected import PROTECTED_DATA, READ_PROTECTED, ProtectedRead, Protection, is_protected
from trustcell.gbcs.dlms.times import NEVER, NOW

_RESULTS = {result.value: result.name.lower().replace("_", " ") for result in dlms.Result}
_MARKS = {NOW: "now", NEVER: "never"}


def frame_as_plain(frame: dlms.Frame) -> dict[str, Any]:
    """One frame; the type of every value stands in front of it."""
    plain: dict[str, Any] = {"type": type(frame).__name__, "invoke_id": frame.invoke_id, "priority": frame.priority}
    if isinstance(frame, dlms.AccessRequest):
        plain["instructions"] = [_instruction(each) for each in frame.instructions]
    elif isinstance(frame, dlms.AccessResponse):
        plain["results"] = [
            {
                "service": service.name.lower(),
                "result": _named(_RESULTS.get(result), result),
                "data": data_as_plain(data),
            }
            for service, result, data in frame.outcomes
        ]
    else:
        plain |= _alert(frame.data)
    return plain


def data_as_plain(data: Data) -> Any:
    """One value: its type and, beside octets that are a date-time, what they say."""
    kind, value = data
    name = _type_name(kind)
    if value is None:
        return name
    protection = Protection.of(data) if kind is DataType.ARRAY else None
    if protection is not None:
        return {"protection": _protection(protection)}
    if kind is DataType.ARRAY or kind is DataType.STRUCTURE:
        return {name: _members(value)}
    if kind is DataType.COMPACT_ARRAY:
        return {name: _compact_array(value)}
    if isinstance(value, bytes):
        return {name: value.hex(), **_date_time(value)}
    return {name: str(value) if isinstance(value, Bits) else value}


def date_time_text(octets: bytes) -> str:
    """A 12-octet DLMS date-time as ISO text with its status; unspecified parts stay ``*`` (gbcs.md 1.1, 6.3)."""
    mark = _MARKS.get(octets[:9] + NOW[9:])
    if mark is not None:
        return mark
    year = int.from_bytes(octets[:2], "big")
    parts = [f"{year:04d}" if year != 0xFFFF else "*"]
    parts += [f"{octet:02d}" if octet != 0xFF else "*" for octet in (octets[2], octets[3], *octets[5:8])]
    deviation = int.from_bytes(octets[9:11], "big", signed=True)
    zone = "Z" if deviation in (0, -0x8000) else f" deviating {deviation} minutes"
    return f"{'-'.join(parts[:3])}T{':'.join(parts[3:])}{zone} ({_clock_status(octets[11])})"


def object_text(class_id: int, instance: bytes, element: int, service: Service = Service.GET) -> dict[str, Any]:
    """An address in names and numbers."""
    names = names_of(class_id, instance, element, service)
    return {
        "object": _named(names.object, obis_text(instance)),
        "class": _named(names.class_name, class_id),
        "method" if service is Service.ACTION else "attribute": _named(names.element, element),
    }


def _instruction(instruction: dlms.Instruction) -> dict[str, Any]:
    service, class_id, instance, element, data, selection = instruction
    plain = {"service": service.name.lower(), **object_text(class_id, instance, element, service)}
    if selection is not None:
        parameters = data_as_plain(selection.parameters)
        plain["selection"] = {"selector": selection.selector, "parameters": parameters}
    protected = ProtectedRead.of(data) if (class_id, element) == (PROTECTED_DATA, READ_PROTECTED) else None
    plain["data"] = data_as_plain(data) if protected is None else _protected_read(protected)
    return plain


def _protected_read(read: ProtectedRead) -> dict[str, Any]:
    objects = []
    for each in read.objects:
        plain = object_text(each.class_id, each.instance, each.attribute)
        if each.between is not None:
            plain["between"] = [date_time_text(bound) if len(bound) == 12 else bound.hex() for bound in each.between]
        objects.append(plain)
    return {"protected_read": {"objects": objects, **_protection(read.protection)}}


def _protection(protection: Protection) -> dict[str, Any]:
    parties = {"originator": str(protection.originator), "recipient": str(protection.recipient)}
    return {"counter": protection.counter, **parties}


def _alert(data: Data) -> dict[str, Any]:
    """Code and time of an alert, and the members behind them (dlms-gbz.md 2.9)."""
    members: tuple[Data, ...] = data.value if data.kind is DataType.STRUCTURE else ()
    if len(members) >= 2 and members[0].kind is DataType.LONG_UNSIGNED:
        plain: dict[str, Any] = {"alert_code": alert_text(members[0].value)}
        time = members[1].value
        if members[1].kind is DataType.OCTET_STRING and len(time) == 12:
            return {**plain, "alert_date_time": date_time_text(time), "members": _members(members)[2:]}
    return {"data": data_as_plain(data)}


def _members(members: tuple[Data, ...]) -> list[Any]:
    """The members of an array or structure; an encrypted attribute is called what it is."""
    plain = []
    before = dlms.NULL
    for member in members:
        if member.kind is DataType.OCTET_STRING and is_protected(before, member.value):
            plain.append({"encrypted": member.value.hex()})
        else:
            plain.append(data_as_plain(member))
        before = member
    return plain


def _compact_array(value: CompactArray) -> dict[str, Any]:
    return {"row": _row_type(value.row), "rows": [_cell(row) for row in value.rows]}


def _row_type(row: RowType) -> Any:
    name = _type_name(row.kind)
    if row.kind is DataType.ARRAY:
        return {f"{row.count} times": _row_type(row.members[0])}
    return {name: [_row_type(member) for member in row.members]} if row.members else name


def _cell(cell: Any) -> Any:
    if isinstance(cell, Bits):
        return str(cell)
    if isinstance(cell, bytes):
        return cell.hex()
    return [_cell(part) for part in cell] if isinstance(cell, tuple) else cell


def _date_time(octets: bytes) -> dict[str, str]:
    """The instant in octets that have the form GBCS gives to one."""
    looks_like_one = len(octets) == 12 and octets[9:] == NOW[9:]
    return {"date_time": date_time_text(octets)} if looks_like_one else {}


def _clock_status(octet: int) -> str:
    """Bit 1 doubtful, bit 2 from the GSME's own clock, FF not stated (gbcs.md 1.1)."""
    if octet == 0xFF:
        return "status not stated"
    words = ["unreliable" if octet & 2 else "reliable", *(["by the clock of the GSME"] if octet & 4 else [])]
    return ", ".join(words) if not octet & ~6 else f"status {octet:02X}"


def _type_name(kind: DataType) -> str:
    return kind.name.lower().replace("_", "-")


def _named(name: str | None, number: object) -> str:
    return f"{name} ({number})" if name else str(number)
