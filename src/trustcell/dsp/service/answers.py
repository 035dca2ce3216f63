"""What users hear: acknowledgements, refusals, pre-commands and outcomes as signed DUIS responses (duis-dsp.md 1.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trustcell import duis
from trustcell.dsp.rules.work import Command
from trustcell.vocab import Eui64, Refused, WireError


@dataclass(frozen=True, slots=True)
class Submission:
    """The synchronous answer to one request.

    ``response`` is the signed DUIS answer; ``None`` with ``error`` where no DUIS answer is possible (HTTP 400).
    ``reference`` is the id under which the trail knows a refusal. ``command`` is what went into the outbox.
    """

    response: bytes | None
    code: str
    reference: str = ""
    command: Command | None = None
    refusal: Refused | None = None
    error: WireError | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes answers and has them signed by the DSP's XML signing key. ``variant`` is a service reference variant."""

    sign: Callable[[bytes], bytes]

    def answer(self, request_id: duis.RequestId, variant: str, code: str, now: datetime, content: Any = None) -> bytes:
        """A synchronous answer: it carries the request ID alone (duis-dsp.md 1.3)."""
        return self._message(request_id, None, variant, code, now, content)

    def outcome(self, request_id: duis.RequestId, variant: str, code: str, now: datetime, content: Any = None) -> bytes:
        """What came of a request, later: I0 whatever the device reports, or why there is nothing (duis-dsp.md 1.6)."""
        return self._message(request_id, request_id.response_id(), variant, code, now, content)

    def alert(self, message: Any, source: Eui64, user: Eui64, counter: int, now: datetime) -> bytes:
        """An alert of a device or of the DCC; I0, as clients take anything else for an error (duis-dsp.md 1.7)."""
        response = duis.Response("I0", now, message, None, duis.RequestId(source, user, counter))
        return self.sign(duis.build_response(response))

    def _message(
        self,
        request_id: duis.RequestId,
        response_id: duis.RequestId | None,
        variant: str,
        code: str,
        now: datetime,
        content: Any,
    ) -> bytes:
        message = duis.ResponseMessage(duis.services()[variant].reference, variant, content)
        return self.sign(duis.build_response(duis.Response(code, now, message, request_id, response_id)))
