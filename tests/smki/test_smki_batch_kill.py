"""Killed with SIGKILL anywhere in a batch and started again: the same result, nothing twice, nothing lost (K47)."""

import itertools
import os
import random
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest

from authority_world import make_world, open_world
from smki.batch_world import batches_of, csr, device_records, items, tally
from trustcell.smki.rules.batch import BatchItem

COUNT = 130


def asked():
    found = items(COUNT)
    found[31] = BatchItem("bad.csr", csr(31)[:-1])
    found[77] = BatchItem("twice.csr", csr(76))
    return found


class Forgetful:
    """A key that signs differently each time, as most tokens do."""

    deterministic = False

    def __init__(self, signer):
        self._signer = signer

    def __getattr__(self, name):
        return getattr(self._signer, name)

    def sign(self, octets):
        return self._signer.sign(octets)


def opened(folder, deterministic):
    world = open_world(folder, f"sqlite:///{folder / 'trustcell.db'}")
    if not deterministic:
        dca = world.hierarchy.issuing_dca
        world.hierarchy = replace(world.hierarchy, issuing_dca=replace(dca, signer=Forgetful(dca.signer)))
    return world


def killed(folder, name, hook, deterministic, after=None):
    """Go on with a batch in a process of its own, which ends at the hook or after so many seconds."""
    process = os.fork()
    if process == 0:
        world = opened(folder, deterministic)
        batches_of(world, hook).issue(name, world["ian"], lambda: world.now)
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.WIFSIGNALED(status)


def begun(folder):
    world = make_world(folder)
    name = batches_of(world).submit(asked(), world["max"], world.now).name
    world.close()
    return name


def finished(folder, name, deterministic):
    world = opened(folder, deterministic)
    batches_of(world).issue(name, world["ian"], lambda: world.now)
    wanted = {("SUCCESS", ""): COUNT - 2, ("CSR_ERROR", "public_key_in_use"): 1, ("CSR_ERROR", "csr_not_der"): 1}
    assert tally(world, name) == wanted
    records = [each for each in device_records(world) if each.kind == "device"]
    assert len(records) == COUNT - 2
    assert len({each.key for each in records}) == COUNT - 2
    assert len({each.serial for each in device_records(world)}) == len(device_records(world))
    with world.store.reading() as books:
        entries = list(books.audit.entries())
        numbers = [each.number for each in books.batches.verdicts(name)]
    assert numbers == list(range(1, COUNT + 1))
    issued = Counter(each.subject for each in entries if each.kind == "certificate.issued" and "batch" in each.body)
    assert sorted(issued) == sorted(f"D001/{each.serial:X}" for each in records)
    assert set(issued.values()) == {1}
    for entry, following in itertools.pairwise(entries):
        assert following.previous == entry.hash
    gone = [each for each in device_records(world) if each.kind == "abandoned"]
    world.close()
    return gone


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("point", ["K47-signed", "K47-unstored", "K47"])
def test_killed_at_a_point_of_the_third_chunk(tmp_path, point, deterministic):
    name, seen = begun(tmp_path), Counter()

    def hook(at):
        seen[at] += 1
        if at == point and seen[at] == (50 if point == "K47-signed" else 3):
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed(tmp_path, name, hook, deterministic)
    gone = finished(tmp_path, name, deterministic)
    assert bool(gone) == (not deterministic)
    assert all(each.revoked_at is not None and each.key_use < 0 for each in gone)


def test_killed_again_and_again_before_the_chunk_it_goes_on_with_is_stored(tmp_path):
    name = begun(tmp_path)

    def hook(at):
        if at == "K47-unstored":
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(3):
        assert killed(tmp_path, name, hook, True)
    assert not finished(tmp_path, name, True)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_time(tmp_path, seed):
    name, source = begun(tmp_path), random.Random(seed)
    for _ in range(3):
        killed(tmp_path, name, lambda at: None, seed % 2 == 0, after=source.uniform(0.005, 0.5))
    finished(tmp_path, name, seed % 2 == 0)
