"""Forms as browsers send them, with bounds on everything."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

MOST_OCTETS = 2_000_000
_MOST_FIELDS, _MOST_FILES = 64, 8


class FormError(Exception):
    """A form that none of our pages sends."""


@dataclass(frozen=True, slots=True)
class Form:
    """Its fields, and the octets of its files."""

    text: Mapping[str, str]
    files: Mapping[str, bytes]


async def read_form(request: Request) -> Form:
    """A form of ours; ``FormError`` when it is too long or is none."""
    octets = bytearray()
    async for part in request.stream():
        octets += part
        if len(octets) > MOST_OCTETS:
            raise FormError(f"a form has {MOST_OCTETS:,} octets at most")
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        return await _multipart(request, bytes(octets))
    try:
        fields = parse_qs(octets.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise FormError(f"a form has {_MOST_FIELDS} fields at most") from None
    return Form({name: values[0] for name, values in fields.items()}, {})


async def _multipart(request: Request, octets: bytes) -> Form:
    async def once() -> AsyncGenerator[bytes, None]:
        yield octets

    try:
        parser = MultiPartParser(request.headers, once(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS)
        found = await parser.parse()
    except (MultiPartException, KeyError):
        raise FormError("a form of one of these pages was expected") from None
    text: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in found.multi_items():
        if isinstance(value, str):
            text.setdefault(name, value)
        elif value.filename:
            files.setdefault(name, await value.read())
    await found.close()
    return Form(text, files)
