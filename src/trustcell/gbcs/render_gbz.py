"""GBZ frames as plain values for JSON and people, with the names of clusters, attributes, commands and fields."""

from typing import Any

from trustcell.gbcs import gbz
from trustcell.gbcs.codes import alert_text
from trustcell.gbcs.gbz.layouts import Field, Layout
from trustcell.gbcs.gbz.names import GENERAL_COMMANDS, STATUSES, attribute_name, cluster_name, command_name
from trustcell.gbcs.gbz.times import instant_of

_MARKS = {0: "now", 0xFFFFFFFF: "never"}


def frame_as_plain(frame: gbz.Frame) -> dict[str, Any]:
    """One command, response or alert."""
    plain: dict[str, Any] = {"type": "GbzAlert" if isinstance(frame, gbz.Alert) else "GbzComponents"}
    if isinstance(frame, gbz.Alert):
        plain |= {"alert_code": alert_text(frame.code), "alert_date_time": _instant(frame.time)}
        if frame.specific:
            plain["specific"] = frame.specific.hex()
    if frame.components:
        plain["components"] = [_component(each) for each in frame.components]
    return plain


def content_as_plain(component: gbz.Component, content: gbz.Content | gbz.Ciphered) -> dict[str, Any]:
    """What a component carries; also the plaintext of an encrypted one."""
    if isinstance(content, gbz.CommandFields):
        return {"fields": _fields(content.layout, content.values)}
    if isinstance(content, gbz.ReadAttributes):
        return {"attributes": [_attribute(component.cluster, each) for each in content.identifiers]}
    if isinstance(content, gbz.AttributeValues):
        return {"attributes": [_record(component.cluster, each) for each in content.records]}
    if isinstance(content, gbz.DefaultResponse):
        # It answers a command of the other side of the cluster; one reference message says otherwise (dlms-gbz.md 5).
        answered = command_name(component.cluster, not component.from_server, content.command)
        answered = answered or GENERAL_COMMANDS.get(content.command)
        return {"answers": _named(answered, content.command), "status": _status(content.status)}
    if isinstance(content, gbz.Ciphered):
        return {"frame_counter": content.frame_counter, "encrypted": content.encode().hex()}
    return {"octets": content.octets.hex()}


def _component(component: gbz.Component) -> dict[str, Any]:
    name = (
        command_name(component.cluster, component.from_server, component.command)
        if component.cluster_specific
        else GENERAL_COMMANDS.get(component.command)
    )
    plain: dict[str, Any] = {
        "cluster": f"{component.cluster:04X}",
        "cluster_name": cluster_name(component.cluster),
        "command": _named(name, component.command),
        "from": "server" if component.from_server else "client",
        "frame_control": f"{component.frame_control:02X}",
        "sequence": component.sequence,
    }
    if component.from_date_time is not None:
        plain["from_date_time"] = _instant(component.from_date_time)
    return plain | content_as_plain(component, component.content)


def _fields(layout: Layout, values: tuple[Any, ...]) -> dict[str, Any]:
    return {field.name: _value(field, value) for field, value in zip(layout.fields, values, strict=True)}


def _value(field: Field, value: Any) -> Any:
    if field.rows is not None:
        return [_fields(field.rows, row) for row in value]
    if isinstance(value, tuple):
        return list(value)
    if field.type == "time":
        return _instant(value)
    return _text(value) if isinstance(value, bytes) else value


def _record(cluster: int, record: gbz.Attribute) -> dict[str, Any]:
    plain: dict[str, Any] = {"attribute": _attribute(cluster, record.identifier)}
    if record.kind is None:
        return plain | {"status": _status(record.status)}
    text = _text(record.value) if isinstance(record.value, bytes) else record.value
    return plain | {"type": f"{record.kind:02X}", "value": text}


def _attribute(cluster: int, identifier: int) -> str:
    name = attribute_name(cluster, identifier)
    return f"{name} ({identifier:04X})" if name else f"{identifier:04X}"


def _text(octets: bytes) -> str:
    """Text where it is nothing else, else hex."""
    if octets and all(0x20 <= octet < 0x7F for octet in octets):
        return octets.decode("ascii")
    return octets.hex()


def _instant(seconds: int) -> str:
    return _MARKS.get(seconds) or instant_of(seconds).isoformat().replace("+00:00", "Z")


def _status(status: int) -> str:
    name = STATUSES.get(status)
    return f"{name} ({status:02X})" if name else f"{status:02X}"


def _named(name: str | None, number: int) -> str:
    return f"{name} ({number:02X})" if name else f"{number:02X}"
