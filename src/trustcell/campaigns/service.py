"""A departure, step by step. Everything that lasts is in the store: a step that was killed is simply made again."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from trustcell.campaigns.ports import CampaignStore, Client, Fleet
from trustcell.campaigns.rules.departure import KIND, REQUIREMENT_4, Holding, Replacement, revocable
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


class Departure:
    """One operator's departure over its ports."""

    def __init__(self, store: CampaignStore, fleet: Fleet, client: Client | None, name: str) -> None:
        """Use a campaign that is there, or ``begin`` one; without a client nothing can be sent."""
        self._store, self._fleet, self._client, self.name = store, fleet, client, name

    def begin(self, operator: Eui64, notice: Mapping[str, Any], limits: Limits, now: datetime) -> Campaign:
        """Take the notice down and list the devices. ``Refused``: ``campaign_exists``, ``nothing_to_replace``."""
        devices = self._fleet.gpfs_of(operator)
        if not devices:
            message = f"no GPF has {operator} in its network operator cells"
            raise Refused([REQUIREMENT_4.breach("nothing_to_replace", "operator", message, "nothing is to be done")])
        campaign = Campaign(self.name, KIND, operator, CampaignState.RUNNING, now, notice, limits)
        self._store.add(campaign, devices)
        return campaign

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

    def revoke(self, reason: str, by: str, now: datetime) -> Campaign:
        """The certificates may be revoked from now on; ``Refused``: ``devices_still_trust_it``."""
        found = list(revocable(self.progress(now), reason, by))
        if found:
            raise Refused(found)
        override = {"reason": reason, "by": by, "at": now.isoformat()} if reason.strip() else None
        return self._turn(CampaignState.REVOKED, override=override)

    def step(self, now: datetime, number: Callable[[], int]) -> int:
        """Hear what came, then send what there is room for; how many targets moved. ``number`` gives fresh counters."""
        campaign = self.campaign
        done = self._hear(campaign, now)
        if campaign.state is not CampaignState.RUNNING:
            return done
        done += self._send(campaign, now, number)
        counts = self._store.counts(self.name)
        if not any(counts.get(state, 0) for state in (_T.WAITING, _T.ASKED, _T.CHANGED, _T.READING)):
            self._turn(CampaignState.DONE)
        return done

    # ---- what came ----

    def _hear(self, campaign: Campaign, now: datetime) -> int:
        waiting = self._store.targets(self.name, MOVING, 1 << 30)
        changed: list[Target] = []
        for start in range(0, len(waiting), _GROUP):
            group = waiting[start : start + _GROUP]
            ids = [RequestId(campaign.subject, each.device, each.counter) for each in group]
            told = self._fleet.requests(ids)
            holdings = self._fleet.holding([each.device for each in group])
            for target, request, holding in zip(group, told, holdings, strict=True):
                after = self._heard(target, request, holding, campaign.limits, now)
                if after is not target:
                    changed.append(after)
        self._store.put(self.name, changed)
        return len(changed)

    def _heard(self, target: Target, told: Replacement, held: Holding, limits: Limits, now: datetime) -> Target:
        if not told.over:
            return target
        clean = held.clean(self._fleet.broker)
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
            raise Refused(
                [CAMPAIGN.breach("no_client", "keys", "nothing can be signed for the operator", "give its keys")]
            )
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
            told = self._fleet.requests([RequestId(campaign.subject, each.device, each.counter) for each in group])
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
