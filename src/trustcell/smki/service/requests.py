"""A request between its CSR and its certificate: read, submitted again or not, waiting to be issued (smki.md 3.3)."""

from trustcell import certs
from trustcell.smki.ports import Books
from trustcell.smki.rules.clauses import CSR_STATES
from trustcell.smki.rules.records import CertificateRecord, RequestRecord, RequestState
from trustcell.vocab import Finding, Refused, WireError

_IN_WORK = frozenset({RequestState.APPROVED})
_ISSUED = frozenset({RequestState.LODGED, RequestState.ACCEPTED_BY_SUBSCRIBER, RequestState.REJECTED_BY_SUBSCRIBER})


def read_csr(octets: bytes) -> certs.CertificationRequest:
    """A CSR in any armour; ``Refused`` with the code of what is wrong with it."""
    try:
        return certs.load_csr(octets)
    except WireError as error:
        place = error.path or "request"
        finding: Finding = CSR_STATES.breach(error.code, place, error.reason, "a PKCS#10 request in PEM, base64 or DER")
        raise Refused([finding]) from None


def may_submit(books: Books, name: str) -> bool:
    """Whether it is new, or was refused: at submission, or when it was to be issued. Not so once it was issued.

    ``Refused``: ``request_repeated`` while it waits to be issued.
    """
    existing = books.requests.get(name)
    if existing is None or existing.state in (RequestState.REJECTED_CONTENT, RequestState.REJECTED_FORMAT):
        return True
    if existing.state not in _IN_WORK:
        return False
    if books.requests.decisions(name)[-1].granted:
        message = "it was submitted before, and waits to be issued"
        raise Refused([CSR_STATES.breach("request_repeated", "request", message, "have it issued")])
    books.requests.move(name, RequestState.REJECTED_CONTENT)
    return True


def in_work(books: Books, name: str) -> RequestRecord:
    """The approved request that nobody is issuing; its name may be cut short."""
    request = books.requests.get(name)
    if request is None:
        message = f"there is no request {name}"
        raise Refused([CSR_STATES.breach("request_unknown", "request", message, "a request that was submitted")])
    if request.state not in _IN_WORK:
        message = f"its state is {request.state}"
        raise Refused([CSR_STATES.breach("request_not_approved", "state", message, "submit it again")])
    if any(each.request == request.name for each in books.requests.intents()):
        message = "it is being issued, or a crash interrupted that"
        raise Refused([CSR_STATES.breach("issue_unfinished", "request", message, "wait, or recover")])
    return request


def certificate_of(books: Books, request: RequestRecord | None) -> CertificateRecord | None:
    """The certificate that was issued on a request."""
    if request is None or request.state not in _ISSUED:
        return None
    made = (each for each in books.certificates.with_key(request.key, request.family) if each.request == request.name)
    return next((each for each in made if each.key_use >= 0), None)
