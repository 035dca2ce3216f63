"""The last log of a hub or proxy, kept as the alert that reported it (CS14 and GCS62), and read back for 8.12."""

from typing import Any

from trustcell import gbcs
from trustcell.dsp.rules.facts import DeviceRecord
from trustcell.gbcs.usecases.common import LogEntry
from trustcell.gbcs.usecases.device_logs import DeviceLogAlert
from trustcell.vocab import WireError

CS14, GCS62 = 0x0018, 0x00B2


def hub_log(hub: DeviceRecord) -> "gbcs.HubLog | None":
    """What a hub reported last; ``None`` when nothing was kept."""
    alert = _kept(hub, CS14)
    return alert.log if isinstance(alert, gbcs.HubLogAlert) else None


def proxy_log(proxy: DeviceRecord) -> tuple[LogEntry, ...] | None:
    """What a proxy reported last; ``None`` when nothing was kept."""
    alert = _kept(proxy, GCS62)
    return alert.entries if isinstance(alert, DeviceLogAlert) else None


def _kept(device: DeviceRecord, message_code: int) -> Any:
    if not device.device_log:
        return None
    try:
        message = gbcs.decode(device.device_log)
        return gbcs.decode_payload(message) if message.message_code == message_code else None
    except WireError:
        return None
