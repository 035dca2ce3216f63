"""The exchange: a 6.15.1 and the 6.21 after it, from signed request to delivery, users and device included."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Case, Ratio
from trustcell import duis
from trustcell.adapters.dsp_store import Settings, open_homes
from trustcell.app.story import ENVIRONMENT, set_stage
from trustcell.stories import Cast, Exchange, Stage, own_cast

_ECDSA = ec.ECDSA(hashes.SHA256())
_BEGINS = datetime(2024, 3, 1, 9, tzinfo=UTC)
_REPEAT = 40

RATIOS = (
    Ratio(
        "6.15.1 from signed XML to signed I99: share of bare calls", "6.15.1 sent", "bare 6.15.1", 0.5, True, must=False
    ),
    Ratio(
        "6.15.1 and 6.21, users and device included: share of bare calls",
        "exchange",
        "bare exchange",
        0.5,
        True,
        must=False,
    ),
)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Cryptographic operations that a case cannot avoid."""

    verify: int
    sign: int
    agree: int
    mac: int


# XML signature and user's signature checked, one secret agreed, one MAC, the I99 signed.
_SENT = _Counts(verify=2, sign=1, agree=1, mac=1)
# Users sign three requests and a pre-command. The DSP checks three requests, a pre-command and two responses, signs
# three answers, two deliveries and a 6.21, agrees twice and makes two MACs. The device checks two MACs and two
# signatures and signs two responses; it has seen the certificates before and keeps its own shared secret.
_EXCHANGE = _Counts(verify=3 + 1 + 2 + 2, sign=3 + 1 + 3 + 2 + 1 + 2, agree=2, mac=2 + 2)


def cases(shared: Path) -> list[Case]:
    """Cases over a cast of its own; nothing is read from ``shared``."""
    cast = own_cast(b"bench", _BEGINS)
    private, public = cast.leaving.signing.private_key, cast.leaving.signing.certificate.public_key
    peer = cast.supplier.agreement.private_key
    message = bytes(1400)
    signature = private.sign(message, _ECDSA)
    sealed = AESGCM(bytes(16))

    def bare(counts: _Counts, repeat: int) -> None:
        for _ in range(repeat):
            for _ in range(counts.verify):
                public.verify(signature, message, _ECDSA)
            for _ in range(counts.sign):
                private.sign(message, _ECDSA)
            for _ in range(counts.agree):
                peer.exchange(ec.ECDH(), public)
            for _ in range(counts.mac):
                sealed.encrypt(bytes(12), b"", message)

    stage = _stage(cast)
    played = Exchange(stage)
    played.hand_over(cast.leaving, 1, _BEGINS)
    counters = itertools.count(2**41, 10)

    def exchange() -> None:
        for _ in range(_REPEAT):
            counter = next(counters)
            left = played.leave(cast.leaving, counter, _BEGINS)
            back = played.hand_over(cast.leaving, counter, _BEGINS)
            assert left.answered
            assert back.answered

    prepared: list[tuple[Stage, bytes]] = []

    def refill() -> None:
        prepared.extend(_signed_pre_commands(_stage(cast), _REPEAT))

    def sent() -> None:
        for stage, octets in prepared:
            stage.manager.submit([(octets, "serviceS")], _BEGINS)

    refilled = _Refilled(refill, prepared)
    return [
        Case("refill (not of interest)", refilled.run, _REPEAT),
        Case("6.15.1 sent", sent, _REPEAT),
        Case("bare 6.15.1", lambda: bare(_SENT, _REPEAT), _REPEAT),
        Case("exchange", exchange, _REPEAT),
        Case("bare exchange", lambda: bare(_EXCHANGE, _REPEAT), _REPEAT),
    ]


def _stage(cast: Cast) -> Stage:
    """A stage on books in memory."""
    return set_stage(cast, open_homes(Settings("sqlite://", ENVIRONMENT)), tracking=True)


@dataclass(frozen=True, slots=True)
class _Refilled:
    """Makes fresh requests before each round, because a request ID is used once."""

    refill: Callable[[], None]
    prepared: list[tuple[Stage, bytes]]

    def run(self) -> None:
        self.prepared.clear()
        self.refill()


def _signed_pre_commands(stage: Stage, count: int) -> list[tuple[Stage, bytes]]:
    """Requests of variant 5, each after its transform, ready to be sent."""
    exchange, operator = Exchange(stage), stage.cast.leaving
    ready = []
    for counter in range(1, count + 1):
        offered, _ = exchange.transform(operator, counter, _BEGINS)
        request = exchange.signed(operator, counter, offered)
        ready.append((stage, operator.xml.sign_xml(duis.build_request(request))))
    return ready
