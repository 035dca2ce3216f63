"""Killed at any moment under load, again and again: the checker reads the books after every kill.

``TRUSTCELL_SOAK`` times ten rounds, 200 of them in ``make soak``.
"""

import os
import random
import signal
from datetime import timedelta
from pathlib import Path

from dsp_kill import kill_world as w
from dsp_kill.traps import ended, forked, killed_after
from trustcell import duis
from trustcell.stories import Actor

PLACES = 8
ROUNDS = 10 * max(2, int(os.environ.get("TRUSTCELL_SOAK", "0")))


class Load:
    """Operators leave, arrive and read, on several devices, as fast as the DSP takes it; numbers rise with rounds."""

    def __init__(self, node: w.Node, number: int) -> None:
        self.node, self.dice, self.number = node, random.Random(number), number * 1_000_000
        people = w.cast()
        self.operators = {actor.entity: actor for actor in (people.leaving, people.arriving)}

    def next(self) -> int:
        self.number += 1
        return self.number

    def step(self) -> None:
        """Some requests in one group, then everything moves on."""
        node = self.node
        node.pass_time(seconds=1)
        busy = {command.key.device for command in node.held.open_commands()}
        wanted = self.dice.sample(range(PLACES), self.dice.randrange(1, PLACES))
        # Mostly one after the other: a second departure would only meet silence.
        places = [place for place in wanted if w.gpf_of(place) not in busy or self.dice.random() < 0.1]
        items = [item for place in places for item in self.request(place)]
        submissions = node.manager.submit(items, node.now)
        for (octets, _door), submission in zip(items, submissions, strict=True):
            node.tell(octets, submission)
        signed = []
        for (octets, _door), submission in zip(items, submissions, strict=True):
            offered = submission.response and w.pre_command_of(submission.response)
            if offered:
                request = duis.parse_request(octets).request
                actor = self.operators[request.request_id.originator]
                sent = duis.signed_pre_command(request, w.sign_pre_command(offered, actor))
                signed.append((w.signed(actor, sent), w.SEND_DOOR))
        for (octets, _door), submission in zip(signed, node.manager.submit(signed, node.now), strict=True):
            node.tell(octets, submission)
        for _ in range(self.dice.randrange(4)):
            node.turn()
        if self.dice.random() < 0.5:
            node.deliver(lambda _delivery: self.dice.choice(("200", "200", "503")))

    def request(self, place: int) -> list[tuple[bytes, str]]:
        """What somebody would ask of a device now."""
        node, device, people = self.node, w.gpf_of(place), w.cast()
        known = node.known(device)
        if known == people.broker.entity:
            operator = self.dice.choice(list(self.operators.values()))
            return [(w.signed(people.supplier, w.handover_request(operator, device, self.next())), w.SEND_DOOR)]
        if self.dice.random() < 0.2:
            return [(w.signed(people.supplier, w.details_request(device, self.next())), w.SEND_DOOR)]
        actor = self.operators[known]
        self.responsible(actor, place)
        counter = node.estate.book.device(device).usc(w.NO) + self.dice.randrange(1, 2**40)
        return [(w.signed(actor, w.update_request(actor, device, counter)), w.TRANSFORM_DOOR)]

    def responsible(self, actor: Actor, place: int) -> None:
        newest = self.node.homes.views.registrations(f"{place:010d}")[0]
        if newest.network_operator != actor.entity:
            self.node.register(actor, place)


def live(site: w.Site, number: int) -> None:
    node = w.Node(site, w.BEGINS + timedelta(hours=number))
    node.manager.resume(node.now)
    load = Load(node, number)
    while True:
        load.step()


def test_killed_at_random_moments_under_load(place: Path) -> None:
    site, dice = w.found(place / "site", PLACES), random.Random(1)
    failure = place / "failure"
    for number in range(1, ROUNDS + 1):
        pid = forked(lambda n=number: live(site, n), failure)
        killed_after(pid, dice.uniform(5, 500))
        assert ended(pid, failure) == -signal.SIGKILL
        assert site.problems() == [], f"round {number}"
    node = w.Node(site, w.BEGINS + timedelta(hours=ROUNDS + 1))
    node.manager.resume(node.now)
    node.rest()
    for device in map(w.gpf_of, range(PLACES)):
        node.read(device, (ROUNDS + 1) * 1_000_000)
    node.rest()
    load = Load(node, ROUNDS + 2)
    for _ in range(3):
        load.step()
    node.rest()
    for device in map(w.gpf_of, range(PLACES)):
        node.read(device, (ROUNDS + 3) * 1_000_000)
    node.rest()
    node.look()
    assert len(node.homes.views.requests(user=None, device=None, after=None, limit=100_000)) > 5 * ROUNDS
    node.close()
    assert site.problems(at_rest=True) == []
