"""What a distribution of firmware (11.1) tells its user afterwards."""

from datetime import datetime

from trustcell.dsp.rules import dcc_alerts
from trustcell.dsp.rules.plan import Distribution, Effects
from trustcell.vocab import Eui64


def distributed(distribution: Distribution, missed: tuple[Eui64, ...], now: datetime) -> Effects:
    """N22 for the devices that the image did not reach; nothing when it reached all."""
    if not missed:
        return Effects()
    note = f"firmware {distribution.version} did not reach {len(missed)} devices at {now:%Y-%m-%dT%H:%M:%SZ}"
    if distribution.request_id is None:
        return Effects(notes=(note,))
    return Effects(alerts=(dcc_alerts.distribution_failed(distribution.request_id, missed),), notes=(note,))
