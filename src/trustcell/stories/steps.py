"""What a story tells: steps in order, each with the octets it is about."""

from dataclasses import dataclass
from enum import StrEnum


class ArtifactKind(StrEnum):
    """What the octets of an artifact are."""

    DUIS = "duis"
    GBCS = "gbcs"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One message of a step, as it was sent."""

    name: str
    kind: ArtifactKind
    octets: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, what is to be seen, and the messages."""

    title: str
    text: str
    artifacts: tuple[Artifact, ...] = ()
