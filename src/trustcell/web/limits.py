"""How often somebody may come, and how much may be in hand at once; time comes in as seconds that only rise."""

from collections import OrderedDict

_REMEMBERED = 10_000


class RateLimit:
    """So many a second for each key, with a burst; the keys seen longest ago are forgotten first."""

    def __init__(self, per_second: float, burst: float) -> None:
        """Both above zero."""
        if per_second <= 0 or burst < 1:
            raise ValueError("a rate above zero and a burst of one or more are needed")
        self._per_second, self._burst = per_second, burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """0.0 when this one may go on, and is counted; else the seconds until it might."""
        left, at = self._buckets.get(key, (self._burst, now))
        left = min(self._burst, left + max(0.0, now - at) * self._per_second)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second


class Lockout:
    """Shuts out a client that gave too many wrong tokens in a row (hostile input A9)."""

    def __init__(self, attempts: int = 5, seconds: float = 300.0) -> None:
        """After ``attempts`` wrong ones nothing is looked at for ``seconds``."""
        self._attempts, self._seconds = attempts, seconds
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """0.0 when this client may try, else the seconds until it may."""
        wrong, until = self._wrong.get(client, (0, 0.0))
        if wrong < self._attempts:
            return 0.0
        if now < until:
            return until - now
        del self._wrong[client]
        return 0.0

    def failed(self, client: str, now: float) -> None:
        """One more wrong token."""
        wrong, _ = self._wrong.get(client, (0, 0.0))
        self._wrong[client] = (wrong + 1, now + self._seconds)
        self._wrong.move_to_end(client)
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def succeeded(self, client: str) -> None:
        """A right token: the count starts over."""
        self._wrong.pop(client, None)


class Budget:
    """Octets of bodies that may be held at once by all requests together."""

    def __init__(self, octets: int) -> None:
        """``octets`` in all."""
        self._left = octets

    def take(self, octets: int) -> bool:
        """Set so many aside, or say that there is no room."""
        if octets > self._left:
            return False
        self._left -= octets
        return True

    def give_back(self, octets: int) -> None:
        """They are free again."""
        self._left += octets
