"""N17: a device is put back to an old snapshot; it accepts old numbers, and a slot read finds and reports it."""

from datetime import timedelta

from dsp_kill import kill_world as w
from trustcell.devices import workshop

GPF = w.gpf_of(0)


def notes(node: w.Node) -> list[str]:
    """What the trail of the device's requests says beside the verdicts."""
    requests = node.homes.views.requests(user=None, device=GPF, after=None, limit=99)
    entries = [entry for each in requests for _seq, _at, entry in node.homes.views.trail(str(each.request_id))]
    return [note for entry in entries for note in entry.facts.get("notes", ())]


def put_back(node: w.Node, memory: bytes) -> None:
    node.estate.put(workshop.put_back(node.estate.book.device(GPF), memory))
    node.site.say("device_restored", device=str(GPF))


def test_a_device_with_the_memory_before_the_departure_is_found(site: w.Site) -> None:
    node = w.Node(site, w.BEGINS + timedelta(hours=1))
    memory = workshop.snapshot(node.estate.book.device(GPF))
    assert node.depart(w.cast().leaving, GPF, 2**62).code == "I99"
    node.rest()
    put_back(node, memory)
    assert node.known(GPF) != node.occupant(GPF)
    node.read(GPF, 77)
    node.rest()
    told = notes(node)
    assert any(note.startswith("not as recorded: networkOperator") for note in told)
    assert node.known(GPF) == node.occupant(GPF) == w.cast().leaving.entity
    assert node.homes.views.highest(GPF)[0] == 2**62  # type: ignore[index]
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []


def test_a_device_that_tells_a_lower_number_than_it_acknowledged_is_found(site: w.Site) -> None:
    """A first departure is all it remembers; the second one, which it acknowledged, is forgotten."""
    node = w.Node(site, w.BEGINS + timedelta(hours=1))
    people = w.cast()
    node.depart(people.leaving, GPF, 2**50)
    node.rest()
    memory = workshop.snapshot(node.estate.book.device(GPF))
    node.hand_over(people.leaving, GPF, 50)
    node.rest()
    node.depart(people.leaving, GPF, 2**62)
    node.rest()
    node.read(GPF, 51)
    node.rest()
    assert notes(node) == []
    put_back(node, memory)
    node.read(GPF, 52)
    node.rest()
    told = notes(node)
    assert len(told) == 1, told
    note = told[0]
    assert note.startswith(f"rolled back: the device tells {2**50}")
    assert str(2**62) in note
    assert node.homes.views.highest(GPF)[0] == 2**62  # type: ignore[index]
    # What is stored stays, so the next handover is above everything the device ever knew.
    node.hand_over(people.arriving, GPF, 53)
    node.rest()
    assert node.occupant(GPF) == people.arriving.entity
    node.look()
    node.close()
    assert site.problems(at_rest=True) == []


def test_a_number_that_was_raised_and_never_arrived_is_no_sign(site: w.Site) -> None:
    node = w.Node(site, w.BEGINS + timedelta(hours=1))
    people = w.cast()
    node.depart(people.leaving, GPF, 2**62)
    node.rest()
    node.hand_over(people.arriving, GPF, 60)
    node.manager.dispatch(node.now)
    for parcel in node.estate.post.parcels():
        node.estate.post.strike(parcel.handle)
    node.rest()
    node.read(GPF, 61)
    node.rest()
    assert node.homes.views.highest(GPF)[0] == 2**62 + 1  # type: ignore[index]
    assert notes(node) == []
    node.close()
