"""A recovery that is killed three times and goes on: every device under the new operator, no number used twice."""

import os
import random
import signal
from collections import Counter
from dataclasses import dataclass

import pytest

from campaigns.departure_world import HIGH, LIMITS, Life, code_of, settled
from dsp_kill import kill_world as w
from dsp_kill.traps import ended, forked
from trustcell import duis, gbcs
from trustcell.campaigns import CampaignState, Method, Recovery, RecoveryEvent, TargetState
from trustcell.dsp.rules.recovery import recovery_command
from trustcell.stories.hierarchy import Authority
from trustcell.vocab import CellId, Eui64, KeyUsage, RemotePartyRole

SOAK = int(os.environ.get("TRUSTCELL_SOAK", "0"))
PLACES = max(60, 250 * SOAK)
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
CELLS = (CellId(w.NO, DS), CellId(w.NO, KA))


def recovery_key():
    people = w.cast()
    entity = next(each.entity_id for each in people.others if each.role == RemotePartyRole.RECOVERY)
    return Authority(w.SEED, w.BEGINS).organisation("recovery", RemotePartyRole.RECOVERY, entity, DS)


@dataclass
class RecoveryClient:
    """The DCC with the recovery key, and the new operator who reads; it may die after so many requests."""

    node: w.Node
    dies_after: int | None = None
    sent: int = 0

    @property
    def user(self) -> Eui64:
        return recovery_key().certificate.entity_id

    def replace(self, device: Eui64, counter: int, key_id: bytes) -> str:
        arriving, pair = w.cast().arriving, recovery_key()
        held = (arriving.signing.certificate.der, arriving.agreement.certificate.der)
        path = (w.cast().path.der,)
        message = recovery_command(self.user, device, counter, dict(zip(CELLS, held, strict=True)), path)
        signed = gbcs.attach_signature(message, pair.sign(gbcs.signed_octets(message)))
        (code,) = self.node.manager.recover([(signed, gbcs.encode(signed))], b"the decision", self.node.now)
        self._sent()
        return code

    def read(self, device: Eui64, counter: int) -> str:
        self._sent()
        arriving = w.cast().arriving
        ids = duis.RequestId(arriving.entity, device, counter)
        body = duis.RetrieveDeviceSecurityCredentialsKRP((w.NO,))
        return code_of(self.node.submit(w.signed(arriving, duis.Request(ids, 1, "6.24", "6.24.1", body))))

    def _sent(self) -> None:
        self.sent += 1
        if self.sent == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


class Recovering(Life):
    """One life of DSP and recovery together."""

    def __init__(self, folder, hours: int, dies_after: int | None = None) -> None:
        super().__init__(folder, hours)
        self.client = RecoveryClient(self.node, dies_after)
        self.departure = Recovery(self.store, self.fleet, self.client, "leaving", lambda _now: [])
        self._last = HIGH + hours * 10**9


def event() -> RecoveryEvent:
    people, pair = w.cast(), recovery_key()
    key = people.leaving.signing.certificate.public_key_point.hex()[:64]
    return RecoveryEvent(
        "leaving", Method.NEW_CERTIFICATES, w.NO, people.leaving.entity, people.arriving.entity,
        pair.certificate.entity_id, key, "sold", "ada",
    )  # fmt: skip


@pytest.fixture
def sold(tmp_path):
    """The network is sold: another operator is responsible for every point, the old one's certificates stay."""
    folder = tmp_path / "site"
    settled(folder, PLACES)
    life = Recovering(folder, 2)
    for place in range(PLACES):
        life.node.register(w.cast().arriving, place)
    life.departure.begin(event(), w.cast().arriving.entity, LIMITS, life.node.now)
    life.close()
    return folder


def test_a_recovery_killed_three_times_ends_as_one_that_was_not(sold):
    dice = random.Random(5)

    def live(hours: int, requests: int) -> None:
        Recovering(sold, hours, requests).to_the_end()

    for hours, share in ((3, 0.3), (4, 0.5), (5, 0.5)):
        requests = int(PLACES * share * dice.uniform(0.8, 1.2))
        pid = forked(lambda at=hours, of=requests: live(at * 24, of), sold / "failure")
        assert ended(pid, sold / "failure") == -signal.SIGKILL, "it was over before it was killed"
    last = Recovering(sold, 6 * 24)
    last.to_the_end()
    assert last.departure.campaign.state is CampaignState.DONE
    assert last.store.counts("leaving") == {TargetState.CLEAN: PLACES}
    arriving = w.cast().arriving.entity
    assert {last.node.occupant(w.gpf_of(place)) for place in range(PLACES)} == {arriving}
    assert last.fleet.gpfs_of(w.cast().leaving.entity) == []
    views, asks = last.node.homes.views, recovery_key().certificate.entity_id
    asked = views.requests(user=asks, device=None, after=None, limit=10 * PLACES)
    assert Counter(each.request_id.target for each in asked) == Counter(map(w.gpf_of, range(PLACES)))
    last.close()
    assert w.Site(sold).problems() == []
