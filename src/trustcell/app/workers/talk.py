"""What workers and supervisor say to each other: requests forwarded, an operator's changes, how a worker is."""

from collections.abc import Mapping
from typing import Any

from trustcell.adapters.store.failures import unavailable
from trustcell.adapters.worker_link import Message
from trustcell.app.doors import DuisAnswer
from trustcell.app.workers.plain import from_plain, to_plain
from trustcell.vocab import Finding, Refused, Unavailable, WireError

SUBMIT, WRITE, RELEASE, CANCEL, STATUS = "submit", "write", "release", "cancel", "status"
ELSEWHERE = "home_elsewhere"


def elsewhere(home: str) -> Unavailable:
    """Nobody is known to hold the home now, or not the one who was asked: the client may ask again."""
    return unavailable(ELSEWHERE, f"home {home} is changing hands")


def said_error(error: Unavailable | Refused) -> Message:
    """Why something was not done."""
    if isinstance(error, Refused):
        return Message({"refused": [to_plain(finding) for finding in error.findings]})
    return Message({"unavailable": error.code, "text": str(error)})


def check_said(message: Message) -> Mapping[str, Any]:
    """The head of an answer; ``Refused`` or ``Unavailable`` when that is what it says."""
    head = message.head
    if "refused" in head:
        raise Refused([from_plain(Finding, each) for each in head["refused"]])
    if "unavailable" in head:
        raise unavailable(head["unavailable"], head["text"])
    return head


def submitting(home: str, door: str, octets: bytes) -> Message:
    """A request for the owner of a home."""
    return Message({"do": SUBMIT, "home": home, "door": door}, octets)


def answered(answer: DuisAnswer) -> Message:
    """What came of a request."""
    error = answer.error
    head: dict[str, Any] = {"code": answer.code, "reference": answer.reference, "signed": answer.response is not None}
    if error is not None:
        head["error"] = [error.offset, error.path, error.reason, error.code]
    return Message(head, answer.response or b"")


def read_answer(message: Message) -> DuisAnswer:
    """``answered`` back."""
    head = check_said(message)
    error = WireError(*head["error"]) if "error" in head else None
    return DuisAnswer(message.octets if head["signed"] else None, head["code"], head["reference"], error)
