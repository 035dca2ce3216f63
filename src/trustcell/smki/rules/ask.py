"""What a subscriber asks for besides its CSR: a period, the approvals it relies on, and what the certificate is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell.governance.rules.canonical import canonical, digest, moment, read_moment

_MOST_APPROVALS = 16
_LONGEST_PURPOSE = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """A period of ``years`` or up to ``not_after``; with neither, the 10 years of Appendix B 6.3.2(A)(i).

    ``not_before`` is the moment of issue unless given. ``approvals`` are names of approvals; ``purpose`` is for example
    the name of a manufacturing pack.
    """

    years: int | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    approvals: tuple[str, ...] = ()
    purpose: str = ""

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for what no request can ask."""
        if self.years is not None and self.not_after is not None:
            raise ValueError("a request asks for years or for an end, not for both")
        if self.years is not None and not 1 <= self.years <= 1000:
            raise ValueError("a period has 1 to 1000 years")
        if any(at is not None and (at.tzinfo is None or at.microsecond) for at in (self.not_before, self.not_after)):
            raise ValueError("a moment has a time zone and whole seconds")
        if len(set(self.approvals)) != len(self.approvals) or len(self.approvals) > _MOST_APPROVALS:
            raise ValueError(f"at most {_MOST_APPROVALS} approvals are cited, each once")
        if len(self.purpose) > _LONGEST_PURPOSE or not self.purpose.isprintable():
            raise ValueError(f"a purpose has at most {_LONGEST_PURPOSE} characters that can be printed")

    @property
    def validity(self) -> dict[str, int | str | None]:
        """The period as JSON values."""
        begin, end = self.not_before, self.not_after
        return {
            "years": self.years,
            "not_before": None if begin is None else moment(begin),
            "not_after": None if end is None else moment(end),
        }

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {**self.validity, "approvals": list(self.approvals), "purpose": self.purpose}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Ask":
        """Read back what ``as_json`` gave."""
        begin, end = value["not_before"], value["not_after"]
        return cls(
            value["years"],
            None if begin is None else read_moment(begin),
            None if end is None else read_moment(end),
            tuple(value["approvals"]),
            value["purpose"],
        )


def request_name(csr: bytes, ask: Ask) -> str:
    """The name of a request: SHA-256 (hex) of its CSR, period and purpose.

    The approvals cited are no part of it, so that an approval can name a request before that request cites it.
    """
    return digest(canonical({"csr": digest(csr), "purpose": ask.purpose, "validity": ask.validity}))
