"""Many at once over one key, and killed at any point: one certificate, nothing twice (hostile C4, K36 to K42)."""

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from authority_world import BROKER, DS, make_world, open_world
from smki.issuing_world import ACB, count, issue, reuse
from trustcell import certs
from trustcell.app.audit import Relint
from trustcell.smki.rules.ask import Ask
from trustcell.smki.rules.records import RequestState
from trustcell.smki.service.issuing import Authority
from trustcell.smki.service.verify_all import verify_all
from trustcell.vocab import Refused

MANY, WORKERS = 200, 8
TIMES = max(3, int(os.environ.get("TRUSTCELL_SOAK", "0")))
"""Rounds at each point; 20 with ``make soak``."""
POINTS = ("K36", "K38", "K39", "K40", "K41", "K42")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, new_store_url):
    """A world, and a function that opens it once more as another process would."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'trustcell.db'}"
        made = make_world(tmp_path)
    else:
        url = new_store_url("postgresql")
        made = make_world(tmp_path, url=url)
    yield made, lambda: open_world(tmp_path, url)
    made.close()


def test_two_hundred_at_once_over_one_key_give_one_certificate(database):
    world, again = database
    workers = [again() for _ in range(WORKERS)]
    csrs = [world.csr(ACB, BROKER, DS, "one key", f"CSR {number}") for number in range(MANY)]

    def submit(number):
        return workers[number % WORKERS].authority.submit(csrs[number], Ask(), world["ada"], world.now).name

    def attempt(place, name):
        try:
            return workers[place % WORKERS].authority.issue(name, world["ian"], world.now)
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(WORKERS) as pool:
        names = list(pool.map(submit, range(MANY)))
        outcomes = list(pool.map(attempt, range(MANY), names))
    for each in workers:
        each.close()
    made = [each for each in outcomes if not isinstance(each, Refused)]
    assert len(made) == 1
    assert Counter(each.code for each in outcomes if isinstance(each, Refused)) == {"public_key_in_use": MANY - 1}
    with world.store.reading() as books:
        assert [each.serial for each in books.certificates.with_key(made[0].key)] == [made[0].serial]
        states = Counter(each.state for each in books.requests.search())
    assert states == {RequestState.LODGED: 1, RequestState.APPROVED: MANY - 1}


def killed(folder, point, act, deterministic=True):
    """Run ``act`` on the world in a process of its own that dies at the point."""
    child = os.fork()
    if child == 0:
        try:
            world = open_world(folder, f"sqlite:///{folder / 'trustcell.db'}")
            act(
                authority(
                    world, deterministic, lambda at: os.kill(os.getpid(), signal.SIGKILL) if at == point else None
                )
            )
        finally:
            os._exit(1)  # it did not come to the point
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), point
    assert os.WTERMSIG(status) == signal.SIGKILL


def authority(world, deterministic=True, hook=lambda at: None):
    """The authority of a world, with a key that signs the same octets alike each time, or does not say so."""
    ca = world.hierarchy.issuing_oca
    if not deterministic:
        ca = replace(ca, signer=Forgetful(ca.signer))
    hierarchy = replace(world.hierarchy, issuing_oca=ca)
    return Authority(world.store, world.governance, world.environment, hierarchy, world.evidence, world.random, hook)


class Forgetful:
    """A signer that makes another signature each time, as most hardware modules do."""

    deterministic = False

    def __init__(self, signer):
        self._signer = signer

    def __getattr__(self, name):
        return getattr(self._signer, name)


@pytest.mark.parametrize("deterministic", [True, False], ids=["deterministic", "not deterministic"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_nothing_is_lost_and_nothing_made_twice(tmp_path, point, deterministic):
    """Twenty times over, a certificate over a repeated key with a counted approval; then restart, recover, repeat."""
    world = make_world(tmp_path)
    issue(world)
    csrs = [world.csr(ACB, BROKER, DS, "", f"CSR {number}") for number in range(TIMES)]
    certificates = []
    for number, csr in enumerate(csrs):
        name = reuse(world, csr, Ask(), f"A{number}")
        request = world.authority.submit(csr, Ask(approvals=(name,)), world["ada"], world.now)
        world.close()
        now, ian = world.now, world["ian"]
        killed(tmp_path, point, lambda own, r=request, n=now, i=ian: own.issue(r.name, i, n), deterministic)
        world = open_world(tmp_path, f"sqlite:///{tmp_path / 'trustcell.db'}")
        mine = authority(world, deterministic)
        with world.store.reading() as books:
            left = books.requests.intents()
            if left:
                assert request.state is RequestState.APPROVED
        finished = mine.recover(now)
        assert len(finished) == len(left)
        assert mine.recover(now) == []
        made = mine.issue(request.name, ian, now)  # the client repeats
        assert finished in ([], [made])
        certificates.append(made)
        with world.store.reading() as books:
            stored = [each for each in books.certificates.with_key(request.key) if each.request == request.name]
            assert stored == [made]
            assert len(books.approval_uses.uses(name)) == 1
            assert books.requests.intents() == []
            assert books.requests.intent(made.issuer, made.serial).settled == "issued"
            if left and deterministic:
                assert left[0].serial == made.serial
                assert left[0].tbs == certs.Certificate.from_der(made.der).tbs
            if left and not deterministic:
                # It may exist, and nobody has it: lists name its serial, and the request has another one.
                assert left[0].serial != made.serial
                assert left[0].serial in {each.serial for each in books.requests.abandoned(made.issuer)}
    assert len({each.serial for each in certificates}) == TIMES
    assert [each.key_use for each in certificates] == list(range(1, TIMES + 1))
    assert count(world.store, "approval_use") == TIMES
    with world.store.reading() as books:
        assert verify_all(books, world.environment, world.evidence, Relint).faults == []
    world.close()


def test_the_key_counts_as_used_while_nobody_knows(tmp_path):
    world = make_world(tmp_path)
    request = world.authority.submit(world.csr(ACB, BROKER), Ask(), world["ada"], world.now)
    other = world.authority.submit(world.csr(ACB, BROKER, name="OTHER"), Ask(), world["ada"], world.now)
    world.close()
    ian, now = world["ian"], world.now
    killed(tmp_path, "K39", lambda own: own.issue(request.name, ian, now), deterministic=False)
    world = open_world(tmp_path, f"sqlite:///{tmp_path / 'trustcell.db'}")
    own = authority(world, deterministic=False)
    for _ in range(2):
        with pytest.raises(Refused) as raised:
            own.issue(other.name, ian, now)
        assert "public_key_in_use" in [each.code for each in raised.value.findings]
        with pytest.raises(Refused) as waiting:
            own.issue(request.name, ian, now)
        assert waiting.value.code == "issue_unfinished"
    [made] = own.recover(now)
    assert made.request == request.name
    with pytest.raises(Refused) as raised:
        own.issue(other.name, ian, now)
    told = [each.facts["serial"] for each in raised.value.findings if each.code == "public_key_in_use"]
    assert f"{made.serial:032X}" in told
    assert len(told) == 2, "the one that may exist counts as well"
    world.close()


def test_a_recovered_request_that_may_no_longer_be_issued_is_refused_and_settled(tmp_path):
    world = make_world(tmp_path)
    issue(world)
    csr = world.csr(ACB, BROKER, name="AGAIN")
    request = world.authority.submit(csr, Ask(approvals=(reuse(world, csr, Ask()),)), world["ada"], world.now)
    world.close()
    ian, now = world["ian"], world.now
    killed(tmp_path, "K39", lambda own: own.issue(request.name, ian, now), deterministic=False)
    world = open_world(tmp_path, f"sqlite:///{tmp_path / 'trustcell.db'}")
    with world.store.transaction(now) as books:
        world.governance.withdraw(books, world["pat"], "reuse", reason="second thoughts", now=now)
    own = authority(world, deterministic=False)
    assert own.recover(now) == []
    with world.store.reading() as books:
        assert books.requests.intents() == []
        assert len(books.requests.abandoned("T1")) == 1
        assert books.requests.decisions(request.name)[-1].granted is False
        assert books.approval_uses.uses("reuse") == []
    world.close()
