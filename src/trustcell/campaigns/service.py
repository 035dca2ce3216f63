"""A campaign, step by step. Everything that lasts is in the store: a step that was killed is simply made again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trustcell.campaigns.ports import CampaignStore, Client, Fleet
from trustcell.campaigns.rules import departure, recovery
from trustcell.campaigns.rules.departure import Holding, Replacement
from trustcell.campaigns.rules.waves import (
    CAMPAIGN,
    MOVING,
    Campaign,
    CampaignState,
    Limits,
    Progress,
    Target,
    TargetState,
    moved,
    progress,
    room,
    tried,
    turned,
)
from trustcell.duis import RequestId
from trustcell.vocab import Eui64, Refused

_GROUP = 256
_ACCEPTED = "I99"
_T = TargetState


class Work:
    """One campaign over its ports, whatever it is about."""

    def __init__(self, store: CampaignStore, fleet: Fleet, client: Client | None, name: str) -> None:
        """Use a campaign that is there, or begin one; without a client nothing can be sent."""
        self._store, self._fleet, self._client, self.name = store, fleet, client, name

    @property
    def campaign(self) -> Campaign:
        """As it stands; ``Refused`` (``campaign_unknown``)."""
        found = self._store.campaign(self.name)
        if found is None:
            problem = f"there is no campaign {self.name}"
            raise Refused([CAMPAIGN.breach("campaign_unknown", "name", problem, "trustcell departure list shows them")])
        return found

    def progress(self, now: datetime) -> Progress:
        """How far it is, and when it will be over."""
        since = now - timedelta(minutes=15)
        finished = self._store.finished_since(self.name, since)
        return progress(self._store.counts(self.name), finished, self.campaign.limits, now)

    def pause(self) -> Campaign:
        """Nothing new goes out; what is on its way comes in when it goes on."""
        return self._turn(CampaignState.PAUSED)

    def resume(self) -> Campaign:
        """Go on."""
        return self._turn(CampaignState.RUNNING)

    def retry(self, now: datetime) -> int:
        """Try those again that were given up or refused; how many."""
        again = self._store.targets(self.name, (_T.UNREACHABLE, _T.REFUSED), 1 << 30)
        self._store.put(self.name, [moved(each, _T.WAITING, now, attempts=0, not_before=now) for each in again])
        if again and self.campaign.state is CampaignState.DONE:
            self._turn(CampaignState.RUNNING)
        return len(again)

    def step(self, now: datetime, number: Callable[[], int]) -> int:
        """Hear what came, then send what there is room for; how many targets moved. ``number`` gives fresh counters."""
        campaign = self.campaign
        done = self._hear(campaign, now)
        if campaign.state is not CampaignState.RUNNING:
            return done
        self.may_go_on(now)
        done += self._send(campaign, now, number)
        counts = self._store.counts(self.name)
        if not any(counts.get(state, 0) for state in (_T.WAITING, _T.ASKED, _T.CHANGED, _T.READING)):
            self._turn(CampaignState.DONE)
        return done

    def may_go_on(self, now: datetime) -> None:
        """Whether anything may be sent now; ``Refused`` when not."""

    def _listed(self, campaign: Campaign) -> Campaign:
        devices = self._fleet.gpfs_of(campaign.subject)
        if not devices:
            message = f"no GPF has {campaign.subject} in its network operator cells"
            raise Refused([CAMPAIGN.breach("nothing_to_replace", "subject", message, "nothing is to be done")])
        self._store.add(campaign, devices)
        return campaign

    # ---- what came ----

    def _hear(self, campaign: Campaign, now: datetime) -> int:
        waiting = self._store.targets(self.name, MOVING, 1 << 30)
        changed: list[Target] = []
        for start in range(0, len(waiting), _GROUP):
            group = waiting[start : start + _GROUP]
            told = self._fleet.requests([_request(campaign, each) for each in group])
            holdings = self._fleet.holding([each.device for each in group])
            for target, request, holding in zip(group, told, holdings, strict=True):
                after = self._heard(target, request, holding.clean(campaign.goal), campaign.limits, now)
                if after is not target:
                    changed.append(after)
        self._store.put(self.name, changed)
        return len(changed)

    def _heard(self, target: Target, told: Replacement, clean: bool, limits: Limits, now: datetime) -> Target:
        if not told.over:
            return target
        if target.state is _T.ASKED:
            if clean:
                return moved(target, _T.CHANGED, now, code=told.code, attempts=0)
            return tried(target, limits, now, told.code)
        if told.code == "I0" and clean:
            return moved(target, _T.CLEAN, now, code="I0", evidence=f"read by request {target.counter}")
        if told.code == "I0":  # it answered, and its cells are not what they should be: ask again
            return tried(target, limits, now, "I0")
        if target.attempts >= limits.attempts:
            return moved(target, _T.UNREACHABLE, now, code=told.code)
        return moved(target, _T.CHANGED, now, code=told.code, not_before=now + limits.again_after)

    # ---- what goes out ----

    def _send(self, campaign: Campaign, now: datetime, number: Callable[[], int]) -> int:
        client = self._client
        if client is None:
            raise Refused([CAMPAIGN.breach("no_client", "keys", "nothing can be signed", "give the keys")])
        sent = self._again(campaign, client, now)
        limits = campaign.limits
        counts = self._store.counts(self.name)
        moving = sum(counts.get(state, 0) for state in MOVING)
        begun = self._store.begun_since(self.name, now - timedelta(hours=1))
        space = room(limits, moving, begun)
        ready = self._store.targets(self.name, (_T.CHANGED,), space, due=now)
        ready = [*ready, *self._store.targets(self.name, (_T.WAITING,), space - len(ready), due=now)]
        for start in range(0, len(ready), _GROUP):
            sent += self._wave(client, ready[start : start + _GROUP], now, number)
        return sent

    def _wave(self, client: Client, ready: Sequence[Target], now: datetime, number: Callable[[], int]) -> int:
        """First the numbers are kept, then the requests go out: nothing is sent that nobody knows of."""
        kept = []
        for target in ready:
            state = _T.READING if target.state is _T.CHANGED else _T.ASKED
            kept.append(moved(target, state, now, counter=number(), attempts=target.attempts + 1))
        self._store.put(self.name, kept)
        self._out(client, kept, now)
        return len(kept)

    def _again(self, campaign: Campaign, client: Client, now: datetime) -> int:
        """What a crash kept from going out, or half of it: the same request under the same number."""
        waiting = self._store.targets(self.name, MOVING, 1 << 30)
        lost: list[Target] = []
        for start in range(0, len(waiting), _GROUP):
            group = waiting[start : start + _GROUP]
            told = self._fleet.requests([_request(campaign, each) for each in group])
            lost += [target for target, request in zip(group, told, strict=True) if not request.begun]
        self._out(client, lost, now)
        return len(lost)

    def _out(self, client: Client, targets: Sequence[Target], now: datetime) -> None:
        holdings = self._fleet.holding([each.device for each in targets])
        refused = []
        for target, holding in zip(targets, holdings, strict=True):
            code = self._sent(client, target, holding)
            if code != _ACCEPTED:
                refused.append(moved(target, _T.REFUSED, now, code=code))
        self._store.put(self.name, refused)

    def _sent(self, client: Client, target: Target, holding: Holding) -> str:
        if target.state is _T.READING:
            return client.read(target.device, target.counter)
        try:
            return client.replace(target.device, target.counter, holding.key_id)
        except Refused as error:  # a key that is not at hand is a matter of this device alone
            return error.findings[0].code

    def _turn(self, state: CampaignState, **changes: Any) -> Campaign:
        after = turned(self.campaign, state, **changes)
        self._store.change(after)
        return after


class Departure(Work):
    """One operator leaves: it puts the ACB's certificates into its cells, and only then are its own revoked."""

    def begin(self, operator: Eui64, notice: Mapping[str, Any], limits: Limits, now: datetime) -> Campaign:
        """Take the notice down and list the devices. ``Refused``: ``campaign_exists``, ``nothing_to_replace``."""
        broker, state = self._fleet.broker, CampaignState.RUNNING
        made = Campaign(self.name, departure.KIND, operator, broker, operator, operator, state, now, notice, limits)
        return self._listed(made)

    def revoke(self, reason: str, by: str, now: datetime) -> Campaign:
        """The certificates may be revoked from now on; ``Refused``: ``devices_still_trust_it``."""
        found = list(departure.revocable(self.progress(now), reason, by))
        if found:
            raise Refused(found)
        override = {"reason": reason, "by": by, "at": now.isoformat()} if reason.strip() else None
        return self._turn(CampaignState.REVOKED, override=override)


class Recovery(Work):
    """The DCC uses the recovery key: what is in the cells cannot be replaced by whoever is there (SEC L10)."""

    def __init__(
        self, store: CampaignStore, fleet: Fleet, client: Client | None, name: str, decision: recovery.Decision
    ) -> None:
        """``decision`` tells what keeps the SMKI PMA's decision from covering this recovery at a moment."""
        super().__init__(store, fleet, client, name)
        self._decision = decision

    def begin(self, event: recovery.RecoveryEvent, reads: Eui64, limits: Limits, now: datetime) -> Campaign:
        """List the devices, under a decision of the SMKI PMA. ``Refused`` without one that covers it (SEC L10)."""
        self.may_go_on(now)
        state, asks = CampaignState.RUNNING, event.recovery
        made = Campaign(
            self.name, recovery.KIND, event.party, event.goal, asks, reads, state, now, event.as_json(), limits
        )
        return self._listed(made)

    def may_go_on(self, now: datetime) -> None:
        """``Refused`` when the decision does not cover it, or no longer does."""
        found = self._decision(now)
        if found:
            raise Refused(found)


def _request(campaign: Campaign, target: Target) -> RequestId:
    who = campaign.reads if target.state is _T.READING else campaign.asks
    return RequestId(who, target.device, target.counter)
