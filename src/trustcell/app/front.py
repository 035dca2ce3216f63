"""The front of the DSP put together: DUIS services, JSON API, deliveries and their metrics around one engine."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from trustcell.adapters.http_client import Poster
from trustcell.app.callbacks import CallbackRules
from trustcell.app.console import ConsoleDoor
from trustcell.app.deliverer import Deliverer, Outbox
from trustcell.app.doors import ApiDoor, ApiLimits, DuisDoor, DuisEngine, DuisLimits, Operator
from trustcell.app.metrics import Metrics
from trustcell.app.serve import Service, Tls, Work, api_service, duis_service
from trustcell.app.tokens import TokenBook, TokenEntry
from trustcell.dsp.ports import Views
from trustcell.dsp.rules.retry import RetrySchedule
from trustcell.vocab import Eui64

DUIS_PORT, API_PORT = 8079, 8081
LEAST_CALLBACK_SECONDS = 10.0
"""A public client starts a Java program before it answers (dcc-boxed-interface.md 3)."""


@dataclass(frozen=True, slots=True)
class Front:
    """Where the doors are and how they behave; ports 0 take free ones. ``tls`` is for DUIS.

    ``further_tokens`` open the API besides those of the file ``tokens``.
    """

    host: str = "127.0.0.1"
    duis_port: int = DUIS_PORT
    api_port: int = API_PORT
    tokens: Path | None = None
    further_tokens: tuple[TokenEntry, ...] = ()
    tls: Tls | None = None
    duis_limits: DuisLimits = field(default_factory=DuisLimits)
    api_limits: ApiLimits = field(default_factory=ApiLimits)
    callbacks: CallbackRules = field(default_factory=CallbackRules)
    callback_seconds: float = 15.0
    retry: RetrySchedule = field(default_factory=RetrySchedule)
    console: Callable[[ApiDoor], ConsoleDoor] | None = None

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a time-out that real clients cannot keep."""
        if self.callback_seconds < LEAST_CALLBACK_SECONDS:
            raise ValueError(f"a callback has {LEAST_CALLBACK_SECONDS:g} seconds at least")


@dataclass(frozen=True, slots=True)
class BehindApi:
    """What the JSON API leads to."""

    engine: DuisEngine
    views: Views
    operator: Operator
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Behind:
    """What the doors lead to. ``address`` gives the URL of a user's callback."""

    engine: DuisEngine
    views: Views
    operator: Operator
    outbox: Outbox
    address: Callable[[Eui64], str | None]
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """Ready for ``serve``: services, what runs beside them, the metrics to add gauges to.

    ``wake`` tells from within the loop that there is something to deliver.
    """

    services: list[Service]
    work: list[Work]
    metrics: Metrics
    wake: Callable[[], None]


def open_front(front: Front, behind: Behind) -> Opened:
    """Doors and deliveries around an engine; nothing listens before they are served."""
    metrics = Metrics(CollectorRegistry())
    duis = DuisDoor(behind.engine, behind.clock, behind.random, front.duis_limits, metrics)
    api = api_door(front, behind, metrics)
    way = Poster(front.callbacks.may_connect, front.callback_seconds)
    deliverer = Deliverer(behind.outbox, way, behind.address, behind.clock, front.retry, metrics)

    async def deliver(stopping: asyncio.Event) -> None:
        async with way:
            await deliverer.run(stopping)

    return Opened(
        [duis_service(duis, front.host, front.duis_port, front.tls), api_service(api, front.host, front.api_port)],
        [deliver],
        metrics,
        deliverer.wake,
    )


def api_door(front: Front, behind: Behind | BehindApi, metrics: Metrics) -> ApiDoor:
    """The JSON API alone."""
    return ApiDoor(
        behind.engine,
        behind.views,
        behind.operator,
        TokenBook(front.tokens, front.further_tokens),
        front.callbacks,
        behind.clock,
        behind.random,
        front.api_limits,
        metrics,
        console=front.console,
    )
