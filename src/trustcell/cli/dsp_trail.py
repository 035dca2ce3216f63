"""The tree of one request, for people: what ``app.request_trail`` found, a line for each thing."""

from collections.abc import Mapping
from typing import Any

from trustcell.gbcs import Node, as_tree

_NAMES = ("message_code", "use_case", "title")


def as_node(found: Mapping[str, Any], request_id: str, *, decoded: bool) -> Node:
    """The whole; ``decoded`` hangs GBCS messages and DUIS bodies in full below their lines."""
    request = found["request"]
    state = "refused, and not kept" if request is None else f"{request['service_variant']} {request['state']}"
    branches = [
        Node("DUIS", "", tuple(_duis(each, decoded) for each in found["duis"])),
        Node("GBCS", "", tuple(_command(each, decoded) for each in found["commands"])),
        Node("effects", "", tuple(Node(each["at"], f"{each['kind']}: {each['text']}") for each in found["effects"])),
        Node("deliveries", "", tuple(_delivery(each) for each in found["deliveries"])),
    ]
    return Node(f"request {request_id}", state, tuple(each for each in branches if each.children))


def _duis(message: Mapping[str, Any], decoded: bool) -> Node:
    """A message, the checks it passed in one line, and the one that it failed."""
    by = f"at {message['door']}" if message["door"] else "by the DSP itself"
    verdict = "accepted" if message["accepted"] else "refused"
    children = [Node("SHA-256", message["sha256"])]
    if decoded and message["body"] is not None:
        children.append(as_tree(message["body"], "body"))
    children.append(Node("checks", "", tuple(Node(f"{each['number']:2}", _check(each)) for each in message["checks"])))
    children += [Node(each["code"], each["message"]) for each in message["findings"]]
    if message["reference"]:
        children.append(Node("reference", message["reference"]))
    head = f"{message['service']} variant {message['variant']} {by}: {verdict}, {message['code']}"
    return Node(message["at"], head, tuple(children))


def _check(check: Mapping[str, Any]) -> str:
    return f"{check['verdict']}: {check['title']}"


def _command(command: Mapping[str, Any], decoded: bool) -> Node:
    answers = tuple(
        Node(each["at"], each["verdict"], _message(each["message"], decoded)) for each in command["answers"]
    )
    return Node(
        f"command {command['message_id']}", command["state"], (*_message(command["message"], decoded), *answers)
    )


def _message(message: Mapping[str, Any], decoded: bool) -> tuple[Node, ...]:
    if "header" not in message:
        return (Node("not readable", str(message.get("error", ""))),)
    if decoded:
        return as_tree(message).children
    header = message["header"]
    name = " ".join(str(header[each]) for each in _NAMES if header.get(each) is not None)
    ends = f"{header['originator']} to {header['target']}, counter {header['originator_counter']}"
    return (Node(header["kind"], name), Node("from", ends), Node("protection", message["protection"]["shape"]))


def _delivery(delivery: Mapping[str, Any]) -> Node:
    tried = f"{delivery['attempts']} attempts, last {delivery['last'] or 'none'}"
    return Node(f"{delivery['number']}", f"{delivery['code']} {delivery['state']}, {tried}")
