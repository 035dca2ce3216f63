"""Values of any shape for tests: for every leaf those of a pool of candidates that its codec allows."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from hypothesis import strategies as st

from trustcell.duis import RequestId, ScheduledRequest
from trustcell.duis.bodies.schedules import SCHEDULED_REQUESTS, LogPeriodOffset
from trustcell.duis.parts import Child, Choice, Flag
from trustcell.duis.shape import Content, Leaf, Nest, Shape
from trustcell.duis.words import CertificateType, CspRegion, DeviceStatus, InventoryDeviceType, ListStatus
from trustcell.vocab import MAX_COUNTER, MAX_SEQ_NUMBER, Eui64, KeyUsage, RemotePartyRole, WireError

EUIS = [Eui64(bytes(8)), Eui64(bytes.fromhex("90B3D51F30000002")), Eui64(b"\xff" * 8)]
EDGES = [0, 1, 90, 2**16 - 1, 2**32 - 1, MAX_SEQ_NUMBER, 10**12 - 1, 10**12, 10**20 - 1, 2**160 - 1]
POOL: list[Any] = [
    *EDGES,
    *(-number for number in (1, 30, 400)),
    *(number + 1 for number in EDGES),
    3_600,
    86_400,
    True,
    False,
    *("x" * size for size in (1, 3, 4, 6, 8, 13, 15, 20, 25, 30, 50, 200, 250)),
    "",
    "a & <b>\r\n \u00e9 \U0001f4a1",
    "M22 0RR",
    *EUIS,
    tuple(EUIS),
    (EUIS[0],) * 300,
    *(RequestId(EUIS[1], EUIS[2], counter) for counter in (0, MAX_COUNTER)),
    datetime(2030, 1, 2, tzinfo=UTC),
    datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    date(1, 1, 1),
    date(2026, 2, 28),
    time(0, 0, tzinfo=UTC),
    time(23, 59, 59, 999_999, tzinfo=UTC),
    *(bytes(range(size)) for size in (1, 6, 15, 16, 20, 32, 255)),
    b"",
    b"\x30\x03abc",
    b"\x30\x82\x01\x00" + bytes(256),
    *RemotePartyRole,
    *DeviceStatus,
    *InventoryDeviceType,
    *ListStatus,
    *CspRegion,
    *CertificateType,
    KeyUsage.DIGITAL_SIGNATURE,
    KeyUsage.KEY_AGREEMENT,
    "8F66",
    "8F67",
    "0000",
    "FFFF",
    "0123",
]


class Spellings(list[str]):
    """A list that stays short in the report of a failure."""

    def __repr__(self) -> str:
        return f"{len(self)} spellings"


def spellings(schema: Path) -> Spellings:
    """Every value of a closed list of the schema."""
    return Spellings(sorted(set(re.findall(r'<xs:enumeration value="([^"]+)"', schema.read_text("utf-8")))))


def values(leaf: Leaf, more: Spellings) -> list[Any]:
    """The candidates that a leaf allows; a leaf that allows none is a hole in the pool."""
    fine = []
    for candidate in [*POOL, *map(unescape, more)]:
        try:
            leaf.codec.check(candidate)
        except (ValueError, WireError, TypeError):
            continue
        fine.append(candidate)
    assert fine, leaf.element
    return fine


def fields(shape: Shape, more: Spellings) -> st.SearchStrategy[dict[str, Any]]:
    """Field values of a shape by attribute."""
    return st.tuples(*(_part(part, more) for part in shape)).map(
        lambda found: {name: value for some in found for name, value in some.items()}
    )


def _part(part: Any, more: Spellings) -> st.SearchStrategy[dict[str, Any]]:
    if isinstance(part, Nest):
        return fields(part.shape, more)
    if isinstance(part, Choice):
        blank: dict[str, Any] = {}
        part.absent(blank)
        chosen = st.one_of([_present(one, more).map(lambda found: blank | found) for one in part.parts])
        return st.just(blank) | chosen if part.optional else chosen
    optional = isinstance(part, Flag) or getattr(part, "optional", False)
    return _absent(part) | _present(part, more) if optional else _present(part, more)


def _absent(part: Any) -> st.SearchStrategy[dict[str, Any]]:
    blank: dict[str, Any] = {}
    part.absent(blank)
    return st.just(blank)


def _present(part: Any, more: Spellings) -> st.SearchStrategy[dict[str, Any]]:
    if isinstance(part, Flag):
        return st.just({part.attribute: True})
    if isinstance(part, Leaf):
        one = st.sampled_from(values(part, more))
        least = 1
    elif isinstance(part, Child):
        one = content(part.kind, more)
        least = part.least
    else:
        return _scheduled(part.attribute)
    if part.most > 1:
        one = st.lists(one, min_size=least, max_size=min(part.most, 17)).map(tuple)
    return one.map(lambda value: {part.attribute: value})


def _scheduled(attribute: str) -> st.SearchStrategy[dict[str, Any]]:
    period = LogPeriodOffset(-400, time(0, 0, tzinfo=UTC), 0, time(12, 30, tzinfo=UTC))
    requests = []
    for element in SCHEDULED_REQUESTS.values():
        try:
            requests.append(ScheduledRequest(element))
        except ValueError:
            requests.append(ScheduledRequest(element, period))
    return st.sampled_from(requests).map(lambda request: {attribute: request})


def content(kind: type[Content], more: Spellings) -> st.SearchStrategy[Any]:
    """Any value of a class with a shape; where its rule refuses a combination, what is optional is left out."""

    def make(found: dict[str, Any]) -> Any:
        try:
            return kind(**found)
        except ValueError:
            for part in kind.SHAPE:
                if getattr(part, "optional", False):
                    part.absent(found)
        try:
            return kind(**found)
        except ValueError:
            return None

    return fields(kind.SHAPE, more).map(make).filter(lambda value: value is not None)
