"""What users hear: acknowledgements, refusals, pre-commands and outcomes as signed DUIS responses (duis-dsp.md 1.4)."""

from dataclasses import dataclass
from datetime import datetime

from trustcell import duis
from trustcell.dsp.ports import Broker, Command
from trustcell.vocab import Refused

Content = duis.PreCommand | duis.GbcsPayload | duis.FutureDatedDeviceAlertMessage


@dataclass(frozen=True, slots=True)
class Submission:
    """The synchronous answer to a request, signed, and the command it put into the outbox, if any."""

    response: bytes
    code: str
    command: Command | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Writes answers and has them signed. ``variant`` is the service reference variant that was asked for."""

    broker: Broker

    def accepted(self, command: Command, now: datetime) -> Submission:
        """I99: the command is on its way."""
        response = self._signed(command.request_id, command.service_variant, "I99", now)
        return Submission(response, "I99", command)

    def transformed(
        self, request_id: duis.RequestId, variant: str, pre_command: duis.PreCommand, now: datetime
    ) -> Submission:
        """I0: the pre-command, for its user to sign."""
        return Submission(self._signed(request_id, variant, "I0", now, pre_command), "I0")

    def refused(
        self, request_id: duis.RequestId, variant: str, code: str, refusal: Refused, now: datetime
    ) -> Submission:
        """Nothing was done, and why."""
        return Submission(self._signed(request_id, variant, code, now), code, None, refusal)

    def outcome(self, command: Command, code: str, now: datetime, content: Content | None = None) -> bytes:
        """What came of a command, later: I0 whatever the device reports, or that it was silent (duis-dsp.md 1.6)."""
        ids = command.request_id
        return self._signed(ids, command.service_variant, code, now, content, ids.response_id())

    def _signed(
        self,
        request_id: duis.RequestId,
        variant: str,
        code: str,
        now: datetime,
        content: Content | None = None,
        response_id: duis.RequestId | None = None,
    ) -> bytes:
        message = duis.ResponseMessage(duis.services()[variant].reference, variant, content)
        response = duis.Response(code, now, message, request_id, response_id)
        return self.broker.sign_response(duis.build_response(response))
