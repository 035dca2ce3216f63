"""Writes what a story tells: every message as it was sent, and decoded beside it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trustcell import duis, gbcs
from trustcell.app.certificate_facts import summary
from trustcell.app.files import write_output
from trustcell.app.story import open_books, set_stage
from trustcell.stories import Artifact, ArtifactKind, Cast, CellView, Step, Story, tell
from trustcell.vocab import RemotePartyRole

Hear = Callable[[Step, list[Path]], None]


def play(cast: Cast, folder: Path, hear: Hear, *, tracking: bool, ledger: Path | None = None) -> dict[str, Any]:
    """Tell the story, write every message and a summary into ``folder``, and return the summary."""
    with open_books(ledger) as books:
        stage = set_stage(cast, books, tracking=tracking)
        numbers = iter(range(1, 1000))
        story = tell(stage, lambda step: hear(step, write_step(folder, next(numbers), step)))
    report = _plain(story, folder)
    write_output(folder / "summary.json", json.dumps(report, indent=2).encode() + b"\n")
    return report


def write_step(folder: Path, number: int, step: Step) -> list[Path]:
    """Every message of a step: as it was sent, and decoded beside it."""
    written = []
    for position, artifact in enumerate(step.artifacts, start=1):
        stem = f"{number:02d}-{position}-{artifact.name}"
        if artifact.kind is ArtifactKind.DUIS:
            path, octets = folder / f"{stem}.xml", artifact.octets
        else:
            path, octets = folder / f"{stem}.hex", artifact.octets.hex().upper().encode() + b"\n"
        write_output(path, octets)
        write_output(folder / f"{stem}.json", json.dumps(decoded(artifact), indent=2).encode() + b"\n")
        written.append(path)
    return written


def decoded(artifact: Artifact) -> dict[str, Any]:
    """The message of an artifact as plain values."""
    if artifact.kind is ArtifactKind.GBCS:
        return gbcs.as_plain(gbcs.decode(artifact.octets), summary)
    document = duis.parse_document(artifact.octets)
    if document.root.tag.endswith("}Response"):
        return _response(duis.parse_response(artifact.octets).response)
    request = duis.parse_request(artifact.octets).request
    return {
        "request_id": str(request.request_id),
        "service": request.service_reference_variant,
        "command_variant": request.command_variant,
        "body": type(request.body).__name__,
    }


def _response(response: duis.Response) -> dict[str, Any]:
    message = response.message
    content = getattr(message, "content", None)
    plain: dict[str, Any] = {
        "response_code": response.response_code,
        "request_id": str(response.request_id) if response.request_id else None,
        "response_id": str(response.response_id) if response.response_id else None,
    }
    payload = getattr(content, "gbcs_payload", None)
    if payload is not None:
        plain["gbcs_payload"] = gbcs.as_plain(gbcs.decode(payload), summary)
    return plain


def _plain(story: Story, folder: Path) -> dict[str, Any]:
    return {
        "story": "secmp0128a",
        "tracking": story.tracking,
        "as_told": story.as_told,
        "handover_accepted": story.handover_accepted,
        "learned_counter": story.learned_counter,
        "leaving_counter": story.leaving_counter,
        "handover_counter": story.handover_counter,
        "attempts": story.attempts,
        "first_usable_counter": story.first_usable_counter,
        "slot_entity": str(story.slot_entity),
        "stored_number": story.stored_number,
        "cells": [_cell(view, story) for view in story.cells],
        "messages": str(folder),
        "steps": [{"title": step.title, "text": step.text} for step in story.steps],
    }


def _cell(view: CellView, story: Story) -> dict[str, Any]:
    until = view.not_after.isoformat().replace("+00:00", "Z") if view.not_after else None
    number = story.stored_number if view.cell.role is RemotePartyRole.NETWORK_OPERATOR else None
    return {
        "cell": str(view.cell),
        "entity": str(view.entity),
        "key_id": view.key_id.hex(),
        "not_after": until,
        "stored_number": number,
    }
