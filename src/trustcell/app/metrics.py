"""Counts and times of the doors and deliveries, for Prometheus; the registry comes in, nothing is global."""

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0)
"""The last bound is the time-out of the public clients (dcc-boxed-interface.md 2.2)."""


class Metrics:
    """What is counted; ``gauge`` adds figures that somebody else knows, such as the depth of a queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make the series in this registry."""
        self.registry = registry
        self._requests = Counter(
            "trustcell_requests",
            "Requests by door, HTTP status and code",
            ("door", "status", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "trustcell_request_seconds", "Time from head to answer", ("door",), buckets=_SECONDS, registry=registry
        )
        self._children: dict[tuple[str, int, str], tuple[Counter, Histogram]] = {}
        self._deliveries = Counter(
            "trustcell_deliveries", "Attempts to deliver, by what came of them", ("outcome",), registry=registry
        )
        self._delivery_seconds = Histogram(
            "trustcell_delivery_seconds", "Time of one attempt to deliver", buckets=(*_SECONDS, 10.0), registry=registry
        )

    def request(self, door: str, status: int, code: str, seconds: float) -> None:
        """One request was answered."""
        key = (door, status, code)
        children = self._children.get(key)
        if children is None:  # looking a label up costs more than counting
            children = self._requests.labels(door, str(status), code), self._seconds.labels(door)
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def delivery(self, outcome: str, seconds: float) -> None:
        """One attempt to deliver is over: ``done``, ``dropped``, ``again``."""
        self._deliveries.labels(outcome).inc()
        self._delivery_seconds.observe(seconds)

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A figure that is asked for whenever somebody looks, for example ``outbox_open_commands``."""
        Gauge(f"trustcell_{name}", text, registry=self.registry).set_function(value)

    def lease(self, epoch: Callable[[str], float], homes: tuple[str, ...]) -> None:
        """The epoch of the lease of each home."""
        gauge = Gauge("trustcell_lease_epoch", "Epoch of the lease held", ("home",), registry=self.registry)
        for home in homes:
            gauge.labels(home).set_function(partial(epoch, home))

    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Every figure as (name, labels, value), without the times of making: to be shown by another process."""
        return [
            (each.name, dict(each.labels), each.value)
            for family in self.registry.collect()
            for each in family.samples
            if not each.name.endswith("_created")
        ]

    def show(self, collected: Callable[[], Iterable[Metric]]) -> None:
        """Show figures of others beside these; asked for whenever somebody looks."""
        self.registry.register(_Shown(collected))

    def exposition(self) -> tuple[str, bytes]:
        """Content type and text for a scraper."""
        return CONTENT_TYPE_LATEST, generate_latest(self.registry)


class _Shown(Collector):
    """Figures that somebody else collects."""

    def __init__(self, collected: Callable[[], Iterable[Metric]]) -> None:
        self._collected = collected

    def collect(self) -> Iterable[Metric]:
        """See the library."""
        return self._collected()

    def describe(self) -> Iterable[Metric]:
        """Nothing is known before anybody looks."""
        return ()
