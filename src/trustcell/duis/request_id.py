"""RequestID and ResponseID of DUIS: who asks, about which device, under which counter."""

import re
from dataclasses import dataclass, field

from trustcell.vocab import MAX_COUNTER, Eui64, WireError

_EUI = r"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){7}"
_TEXT = re.compile(rf"({_EUI}):({_EUI}):(0|[1-9][0-9]{{0,19}})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class RequestId:
    """``originator:target:counter`` (DUIS schema 5.4, RequestIDType).

    The EUIs are values, not text, so two spellings in different case are one ID. ``counter`` is 0 to 2^64 - 1.
    """

    originator: Eui64
    target: Eui64
    counter: int
    _text: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hold the types and the range; raises ``ValueError``."""
        if not isinstance(self.originator, Eui64) or not isinstance(self.target, Eui64):
            raise ValueError("originator and target of a request ID are EUI-64 values")
        if isinstance(self.counter, bool) or not isinstance(self.counter, int) or not 0 <= self.counter <= MAX_COUNTER:
            raise ValueError("the counter of a request ID is an integer from 0 to 2^64 - 1")

    @classmethod
    def parse(cls, text: str) -> "RequestId":
        """Read the XSD's lexical form: dashed hex in either case, decimal counter without leading zeros.

        Raises ``WireError`` with code ``schema_invalid``.
        """
        match = _TEXT.fullmatch(text)
        if match is None or int(match[3]) > MAX_COUNTER:
            raise WireError(
                -1,
                "",
                "originator:target:counter with two dashed EUI-64s and a decimal counter up to 2^64 - 1 "
                "without leading zeros was expected",
                "schema_invalid",
            )
        return cls(_eui(match[1]), _eui(match[2]), int(match[3]))

    def response_id(self) -> "RequestId":
        """The ResponseID that answers this ID: the EUIs swapped, the same counter."""
        return RequestId(self.target, self.originator, self.counter)

    def __str__(self) -> str:
        """Upper-case form, as vectors and templates write it."""
        if not self._text:  # made on first use and kept: the trail, answers and due times all name it
            object.__setattr__(self, "_text", f"{self.originator}:{self.target}:{self.counter}")
        return self._text


def _eui(text: str) -> Eui64:
    return Eui64(bytes.fromhex(text.replace("-", "")))
