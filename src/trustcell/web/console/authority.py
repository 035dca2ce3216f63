"""What the pages of an authority share: its home, and fields of forms that are read for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustcell.web.console.visit import Visit

if TYPE_CHECKING:
    from trustcell.app.home import Home


def home_of(visit: Visit) -> "Home":
    """The home of the authority that is served; raises ``LookupError`` when there is none."""
    if visit.door.authority is None:
        raise LookupError("no authority is served here: trustcell serve --home with a home made by trustcell init")
    return visit.door.authority


def whole(form: Mapping[str, str], name: str) -> int | None:
    """A whole number, or nothing; raises ``ValueError``."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name.replace('_', ' ')}: a whole number was expected") from None


def moment_field(form: Mapping[str, str], name: str) -> datetime | None:
    """A day or a moment in UTC, or nothing; raises ``ValueError``."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name.replace('_', ' ')}: a day such as 2030-01-31 was expected") from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def needed(form: Mapping[str, str], name: str) -> str:
    """A field that has to be filled in; raises ``ValueError``."""
    text = form.get(name, "").strip()
    if not text:
        raise ValueError(f"{name.replace('_', ' ')}: it is empty")
    return text
