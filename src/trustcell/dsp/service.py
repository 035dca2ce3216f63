"""The request manager: requests in, commands out, device messages in, answers out (duis-dsp.md 4 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from trustcell import duis
from trustcell.dsp.answers import Answers, Submission
from trustcell.dsp.northbound import Northbound, Reception
from trustcell.dsp.ports import Broker, Command, Directory, Inventory, Ledger
from trustcell.dsp.rules.eligibility import PROCESSING
from trustcell.dsp.rules.reasons import response_code
from trustcell.dsp.southbound import Southbound
from trustcell.vocab import Refused, Unavailable

__all__ = ["Policy", "Reception", "RequestManager", "Submission"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Choices of this DSP. ``track_counters`` off is the world before SECMP0128A, kept to show the difference."""

    track_counters: bool = True


class RequestManager:
    """One DSP over its ports; holds no state of its own, so several may share a ledger."""

    def __init__(
        self, ledger: Ledger, inventory: Inventory, directory: Directory, broker: Broker, policy: Policy | None = None
    ) -> None:
        """Ports are used as given; nothing is opened here."""
        tracks = (policy or Policy()).track_counters
        self._ledger = ledger
        self._directory = directory
        self._answers = Answers(broker)
        self._south = Southbound(ledger, inventory, directory, broker, self._answers, tracks)
        self._north = Northbound(ledger, inventory, broker, self._answers, tracks)

    def submit(self, octets: bytes, now: datetime) -> Submission:
        """Answer one signed ``sr:Request``.

        Raises ``WireError`` where no DUIS answer is possible (HTTP 400), and ``Unavailable`` when ledger or keys are
        out of reach; a command whose number was taken by then is built by ``resume``.
        """
        mismatch: Refused | None = None
        try:
            parsed = duis.parse_request(octets)
        except duis.RequestMismatch as refused:
            parsed, mismatch = refused.parsed, refused
        request = parsed.request
        try:
            self._authenticate(parsed)
        except Refused as refused:
            return self._refused(request, refused, now, from_signature=True)
        try:
            if mismatch is not None:
                raise mismatch
            return self._south.process(request, octets, now)
        except Refused as refused:
            return self._refused(request, refused, now)

    def receive(self, octets: bytes, now: datetime) -> Reception:
        """Take one device message: keep it as it came, then judge it and learn from it."""
        return self._north.judge(self._ledger.keep(octets, now), octets, now)

    def resume(self, now: datetime) -> tuple[list[Submission], list[Reception]]:
        """Finish what a crash interrupted: build reserved commands, judge kept messages.

        A reservation no command can be built for is given up and refused. What needs a key that is out of reach stays
        for the next time.
        """
        submissions, receptions = [], []
        for reserved in self._ledger.reserved():
            try:
                submission = self._south.rebuild(reserved, now)
            except Unavailable:
                continue
            if submission is not None:
                submissions.append(submission)
        for number, octets in self._ledger.unprocessed():
            try:
                receptions.append(self._north.judge(number, octets, now))
            except Unavailable:
                continue
        return submissions, receptions

    def outbox(self) -> Sequence[Command]:
        """Commands that still wait for an answer, oldest first; sending one again is harmless."""
        return self._ledger.outbox()

    def time_out(self, command: Command, now: datetime) -> bytes:
        """Give up waiting: the request is silent (E21), a late answer still teaches. Returns the answer, signed.

        ``Refused`` when the command was answered or given up before: its user has heard already.
        """
        if not self._ledger.time_out(command.key, now):
            finding = PROCESSING.breach(
                "command_not_waiting",
                "OriginatorCounter",
                f"the command {command.key.counter} to {command.key.device} does not wait for an answer",
                "let the timer of this command go",
            )
            raise Refused([finding])
        return self._answers.outcome(command, "E21", now)

    def _authenticate(self, parsed: duis.ParsedRequest) -> None:
        """Checks 3 and 4: the signature verifies, and the signer is the originator of the request ID."""
        originator = parsed.request.request_id.originator

        def signing_key(claim: duis.SignatureClaim) -> ec.EllipticCurvePublicKey:
            signer = self._directory.xml_signer(claim.issuer_name, claim.serial)
            if signer is None:
                raise _refused(
                    "signer_unknown",
                    "Signature.KeyInfo",
                    f"no XML signing certificate {claim.serial} of {claim.issuer_name} is known",
                    "sign with a certificate that is in the repository and not revoked",
                )
            if signer.entity != originator:
                raise _refused(
                    "signer_not_originator",
                    "Header.RequestID",
                    f"the signer is {signer.entity}, the originator of the request ID {originator}",
                    "sign with the originator's own XML signing certificate",
                )
            return signer.public_key

        duis.verify(parsed, signing_key)

    def _refused(
        self, request: duis.Request, refusal: Refused, now: datetime, *, from_signature: bool = False
    ) -> Submission:
        code = response_code(refusal.code, from_signature=from_signature)
        return self._answers.refused(request.request_id, request.service_reference_variant, code, refusal, now)


def _refused(code: str, field: str, message: str, remedy: str) -> Refused:
    return Refused([PROCESSING.breach(code, field, message, remedy)])
