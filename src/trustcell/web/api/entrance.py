"""Who comes in: bearer tokens, lockout after wrong ones, and rates (hostile inputs A9, A12)."""

from dataclasses import dataclass, field

from starlette.requests import Request

from trustcell.app.doors import ApiDoor
from trustcell.app.tokens import Principal
from trustcell.web.limits import Lockout, RateLimit

_LONGEST_TOKEN = 256


class ShutOutError(Exception):
    """Nobody comes in this way: status, code, sentence, and seconds to wait if that helps."""

    def __init__(self, status: int, code: str, sentence: str, wait: float = 0.0) -> None:
        """Keep all four."""
        super().__init__(status, code, sentence)
        self.status, self.code, self.sentence, self.wait = status, code, sentence, wait


@dataclass(slots=True)
class Entrance:
    """Remembers who was wrong how often, and who comes how fast."""

    door: ApiDoor
    lockout: Lockout = field(default_factory=Lockout)
    rate: RateLimit = field(init=False)

    def __post_init__(self) -> None:
        """One rate for addresses and tokens alike."""
        self.rate = RateLimit(self.door.limits.rate, self.door.limits.burst)

    def admit(self, request: Request) -> Principal:
        """The holder of the token in ``Authorization: Bearer``; nothing else is looked at, cookies least of all."""
        now = self.door.ticks()
        client = request.client.host if request.client else ""
        if wait := self.lockout.wait(client, now):
            raise ShutOutError(429, "locked_out", "too many wrong tokens came from this address", wait)
        if wait := self.rate.wait(f"address {client}", now):
            raise ShutOutError(429, "rate_exceeded", "too many requests from this address", wait)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ShutOutError(401, "token_missing", "Authorization: Bearer with a token was expected")
        principal = self.door.tokens.find(token.strip()) if len(token) <= _LONGEST_TOKEN else None
        if principal is None:
            self.lockout.failed(client, now)
            raise ShutOutError(401, "token_unknown", "this token opens nothing")
        self.lockout.succeeded(client)
        if wait := self.rate.wait(f"token {principal.name}", now):
            raise ShutOutError(429, "rate_exceeded", "too many requests with this token", wait)
        return principal
