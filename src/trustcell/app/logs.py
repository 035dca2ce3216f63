"""Logs of the doors: one line for each event, for people or as JSON, and nothing secret in them."""

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = re.compile(r"token|authorization|pin|password|secret|apikey|private", re.IGNORECASE)
_SECRET_TEXTS = re.compile(r"(tc_[A-Za-z0-9_-]{8,}|(?<=apikey=)[^&\s]+|(?<=Bearer )\S+)")
_HIDDEN = "***"


def configure_logs(*, as_json: bool, stream: TextIO | None = None) -> None:
    """Send the lines of ``trustcell`` and warnings of everything else to standard error, through one renderer."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # as text, without the values of variables
                hide_secrets,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("trustcell").setLevel(logging.INFO)


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A second line of defence: nothing that looks like a token, PIN or API key leaves, whoever logged it."""
    for name, value in event.items():
        if name.startswith("_"):
            continue
        if _SECRET_NAMES.search(name):
            event[name] = _HIDDEN
        elif isinstance(value, str):
            event[name] = _SECRET_TEXTS.sub(_HIDDEN, value)
    return event
