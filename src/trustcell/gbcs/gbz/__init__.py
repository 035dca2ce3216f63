"""GBZ payloads: one table-driven codec for components, attributes, cluster commands and alerts (dlms-gbz.md 3)."""

from trustcell.gbcs.gbz.attributes import Attribute
from trustcell.gbcs.gbz.commands import CommandFields, command_fields
from trustcell.gbcs.gbz.contents import (
    AttributeValues,
    Ciphered,
    Content,
    DefaultResponse,
    ReadAttributes,
    UnknownCommand,
    read_content,
    write_content,
)
from trustcell.gbcs.gbz.frames import PROFILE, Alert, Component, Components, Frame, encrypted_parts, read_frame
from trustcell.gbcs.gbz.layouts import NEVER, Layout

__all__ = [
    "NEVER",
    "PROFILE",
    "Alert",
    "Attribute",
    "AttributeValues",
    "Ciphered",
    "CommandFields",
    "Component",
    "Components",
    "Content",
    "DefaultResponse",
    "Frame",
    "Layout",
    "ReadAttributes",
    "UnknownCommand",
    "command_fields",
    "encrypted_parts",
    "read_content",
    "read_frame",
    "write_content",
]
