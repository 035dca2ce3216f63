"""Killed with SIGKILL inside a revocation and inside the making of a list: nothing is lost, no number comes twice."""

import os
import signal
from datetime import timedelta

import pytest

from smki.revocation_records import NOW, ask, record
from smki.revocation_world import as_person, close_all, make_world, url_of
from trustcell.certs import CertificateList, check_crl
from trustcell.smki.rules.lists import DueReason, ListKind

TIMES = 20
SECOND = timedelta(seconds=1)
GWEN, IAN = as_person("gwen"), as_person("ian")


@pytest.fixture(autouse=True)
def closed():
    yield
    close_all()


def killed(url, point, act):
    """Run ``act`` on a world in a process of its own that dies at the point; nothing it has is shared with ours."""
    child = os.fork()
    if child == 0:
        try:
            act(make_world(url, lambda at: os.kill(os.getpid(), signal.SIGKILL) if at == point else None))
        finally:
            os._exit(1)  # it did not come to the point
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), point
    assert os.WTERMSIG(status) == signal.SIGKILL


def make(world, now):
    return world.revocation.lists.issue(ListKind.CRL, IAN, now)


@pytest.mark.parametrize("point", ["list-taken", "list-signed", "K44"])
def test_a_list_is_wholly_there_or_not(tmp_path, point):
    url = url_of(tmp_path)
    first = make_world(url)
    first.add(record())
    before = make(first, NOW)
    name = first.revocation.request(ask(), GWEN, NOW).name
    first.revocation.revoke(name, IAN, NOW)
    first.store.close()
    numbers = [before.number]
    for round_ in range(1, TIMES + 1):
        at = NOW + round_ * SECOND
        killed(url, point, lambda world, at=at: make(world, at))
        world = make_world(url)
        lists = world.revocation.lists
        assert lists.served(ListKind.CRL) == before, "the old one is served until the new one is"
        (due,) = (each for each in lists.due(at) if each.kind is ListKind.CRL)
        if point == "K44":
            assert due.reason in (DueReason.STORED, DueReason.REVOCATION)
            (before,) = lists.recover(at)
            assert before.served
            numbers.append(before.number)
        assert lists.recover(at) == []
        world.store.close()
    world = make_world(url)
    last = make(world, NOW + (TIMES + 1) * SECOND)
    numbers.append(last.number)
    assert numbers == sorted(set(numbers))
    assert last.number == TIMES + 2, "a number that was taken is never taken again"
    read = CertificateList.from_der(last.der)
    assert [entry.serial for entry in read.entries] == [0x1007]
    assert check_crl(read, issuer=world.hierarchy.issuing_oca.certificate, now=last.this_update) == []
    assert [each.reason for each in world.revocation.lists.due(last.this_update) if each.kind is ListKind.CRL] == []


def test_a_revocation_is_wholly_done_or_not_at_all(tmp_path):
    url = url_of(tmp_path)
    world = make_world(url)
    world.add(record(), record(serial=0x2000, key_use=1))
    made = world.revocation.request(ask(), GWEN, NOW)
    entries = world.kinds()
    world.store.close()
    for _ in range(TIMES):
        killed(url, "revocation-written", lambda world: world.revocation.revoke(made.name, IAN, NOW))
        world = make_world(url)
        assert [world.certificate(serial).revoked_at for serial in (0x1007, 0x2000)] == [None, None]
        assert world.revocation.requests() == [made]
        assert world.kinds() == entries
        world.store.close()
    world = make_world(url)
    world.revocation.revoke(made.name, IAN, NOW)
    assert [world.certificate(serial).revoked_at for serial in (0x1007, 0x2000)] == [NOW, NOW]
