"""Bodies of requests: bounded in size and time, never compressed (hostile inputs X13, A11)."""

import anyio
from starlette.requests import Request

MAX_BODY_OCTETS = 64 * 1024
"""The longest request of the repository has some two hundred octets."""
MAX_DISCARDED_OCTETS = 8 * 1024 * 1024
"""So much of a body that is too long is still read, so that its sender can hear why it is refused."""
BODY_SECONDS = 5.0


class BodyError(Exception):
    """The body was not taken: HTTP status, machine code, reason."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        """Keep all three."""
        super().__init__(status, code, reason)
        self.status, self.code, self.reason = status, code, reason


async def read_xml(request: Request, *, limit: int = MAX_BODY_OCTETS, seconds: float = BODY_SECONDS) -> bytes:
    """The octets of an ``application/xml`` body; raises ``BodyError``, 401 for one that is too long."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise BodyError(415, "content_encoding_unsupported", "the body has to be sent as it is")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/xml":
        raise BodyError(415, "content_type_unsupported", "Content-Type application/xml was expected")
    kept = bytearray()
    total = 0
    try:
        with anyio.fail_after(seconds):
            async for chunk in request.stream():
                total += len(chunk)
                if total <= limit:
                    kept += chunk
                if total > MAX_DISCARDED_OCTETS:
                    break
    except TimeoutError:
        raise BodyError(408, "body_too_slow", f"the body has to arrive within {seconds:g} seconds") from None
    if total > limit:
        raise BodyError(401, "xml_limit_exceeded", f"a request has at most {limit} octets")
    return bytes(kept)
