"""What campaigns need from outside."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from trustcell.campaigns.rules.departure import Holding, Replacement
from trustcell.campaigns.rules.waves import Campaign, Target, TargetState
from trustcell.duis import RequestId
from trustcell.vocab import Eui64


class CampaignStore(Protocol):
    """Campaigns and their targets. Every call is one transaction."""

    def add(self, campaign: Campaign, devices: Iterable[Eui64]) -> None:
        """A new campaign, all targets waiting. ``Refused`` (``campaign_exists``) when the name is taken."""
        ...

    def campaign(self, name: str) -> Campaign | None:
        """One campaign."""
        ...

    def campaigns(self) -> Sequence[Campaign]:
        """All of them, the oldest first."""
        ...

    def change(self, campaign: Campaign) -> None:
        """State, limits and override of a campaign."""
        ...

    def targets(
        self, name: str, states: Iterable[TargetState], limit: int, due: datetime | None = None
    ) -> Sequence[Target]:
        """Targets in these states, in order of EUI-64; with ``due`` only those that need not wait beyond it."""
        ...

    def put(self, name: str, targets: Sequence[Target]) -> None:
        """Targets as they are now."""
        ...

    def counts(self, name: str) -> dict[TargetState, int]:
        """How many are where."""
        ...

    def begun_since(self, name: str, since: datetime) -> int:
        """How many requests went out since then."""
        ...

    def finished_since(self, name: str, since: datetime) -> Sequence[datetime]:
        """When targets came to an end since then."""
        ...


class Fleet(Protocol):
    """What the DSP knows."""

    @property
    def broker(self) -> Eui64:
        """The ACB."""
        ...

    def gpfs_of(self, operator: Eui64) -> Sequence[Eui64]:
        """Every GPF with the operator in a network operator cell."""
        ...

    def holding(self, devices: Sequence[Eui64]) -> Sequence[Holding]:
        """Who is in the cells of each."""
        ...

    def requests(self, ids: Sequence[RequestId]) -> Sequence[Replacement]:
        """What became of each."""
        ...


class Client(Protocol):
    """Who sends requests for the operator, signed with its keys."""

    @property
    def user(self) -> Eui64:
        """Whose requests they are."""
        ...

    def replace(self, device: Eui64, counter: int, key_id: bytes) -> str:
        """6.15.1 with the ACB's certificates: transform, sign with this key, send. The response code of the last step.

        ``Refused`` (``key_missing``) for a key that is not at hand.
        """
        ...

    def read(self, device: Eui64, counter: int) -> str:
        """6.24.1 for the network operator cells. The response code."""
        ...
