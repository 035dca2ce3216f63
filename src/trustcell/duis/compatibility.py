"""What a client that knows only DUIS 5.1 cannot read, as the packaged client does (dcc-boxed-interface.md 2.2)."""

from collections.abc import Iterator

from trustcell.duis.alerts import ChangeOfSupplier
from trustcell.duis.catalogue import response_codes
from trustcell.duis.contents import DSPInventory, DSPWANMatrix
from trustcell.duis.response import Response
from trustcell.duis.response_message import DccAlertMessage, ResponseMessage


def newer_than_5_1(response: Response) -> tuple[str, ...]:
    """Everything in a response that DUIS 5.1 does not know; nothing, if existing clients can read it."""
    return tuple(_newer(response))


def _newer(response: Response) -> Iterator[str]:
    if response_codes()[response.response_code] != "5.1":
        yield f"response code {response.response_code}"
    message = response.message
    if isinstance(message, DccAlertMessage):
        if isinstance(message.alert, ChangeOfSupplier) and message.alert.ecos_error_code is not None:
            yield "ECoSErrorCode"
    elif isinstance(message, ResponseMessage):
        if isinstance(message.content, DSPWANMatrix):
            yield "DSPWANMatrix"
        if isinstance(message.content, DSPInventory):
            for device in message.content.devices:
                if device.csp_region is not None and device.csp_region.startswith("4G"):
                    yield f"CSPRegion {device.csp_region}"
                if device.connectivity is not None:
                    yield "Connectivity"
