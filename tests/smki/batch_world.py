"""A world with a manufacturer's batch at hand: requests of devices by number, quick to make."""

import functools
from collections import Counter

from authority_world import DS, KA, device_csr, make_world
from trustcell.smki.rules.batch import BatchItem
from trustcell.smki.service.batch import Batches
from trustcell.vocab import Eui64


def entity(number):
    """The EUI-64 of a device."""
    return Eui64((0x00DB_1234_0000_0000 + number).to_bytes(8, "big"))


@functools.cache
def csr(number, *, device=None, usage=None):
    """The CSR of key ``number``, the same one each time; of device ``number`` unless another is named."""
    return device_csr(entity(number if device is None else device), usage or (DS if number % 2 else KA), f"d{number}")


def items(count, first=0):
    """So many good CSRs."""
    return [BatchItem(f"meter-{number}.csr", csr(number)) for number in range(first, first + count)]


def batches_of(world, hook=lambda point: None, chunk=20, **others):
    """The service, with small chunks."""
    given = {"hierarchy": world.hierarchy, "random": world.random, "environment": world.environment} | others
    return Batches(world.store, world.governance, hook=hook, chunk=chunk, **given)


def run(world, found, batches=None, **ask):
    """Submit and issue as the manufacturer's ARO and the ISSUER; the name of the batch."""
    batches = batches or batches_of(world)
    name = batches.submit(found, world["max"], world.now, **ask).name
    batches.issue(name, world["ian"], lambda: world.now)
    return name


def verdicts(world, name):
    """Every verdict of a batch."""
    with world.store.reading() as books:
        return list(books.batches.verdicts(name))


def tally(world, name):
    """How often each status and code was given."""
    return Counter((each.status, each.code) for each in verdicts(world, name))


def device_records(world):
    """All certificates of devices."""
    with world.store.reading() as books:
        return [each for each in books.certificates.all() if each.family == "device" and each.entity_id is not None]


__all__ = ["make_world"]
