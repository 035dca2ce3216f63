"""Sets the stage of the story of MP261: a home with an authority of 2016, its people, and a DSP with a GPF."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from trustcell import devices
from trustcell.app.cast import REGISTRAR
from trustcell.app.enrolment import enrol_cast
from trustcell.app.home import create_home
from trustcell.app.pin import generate_pin
from trustcell.app.story import open_books, set_stage
from trustcell.smki.rules.environment import Environment
from trustcell.stories import Cast, Paperwork, Stage
from trustcell.stories.mp261 import BEGINS
from trustcell.vocab import Eui64

Step = Callable[[str], None]


@contextmanager
def mp261_paperwork(home: Path | None, step: Step = lambda _: None) -> Iterator[Paperwork]:
    """An authority that has just begun, with the sample cast; in ``home``, or in a folder that is taken away again."""
    environment = Environment("mp261-story", "the environment of the story", BEGINS)
    with tempfile.TemporaryDirectory(prefix="trustcell-") as folder:
        place = home or Path(folder) / "home"
        opened = create_home(place, environment, pin=generate_pin(place), now=BEGINS, step=step)
        try:
            enrol_cast(opened.office, opened.credential(REGISTRAR.name), BEGINS, step=step)
            credentials = {name: opened.credential(name) for name in opened.people.names()}
            yield Paperwork(
                opened.store,
                opened.governance,
                opened.authority,
                opened.packs,
                opened.hierarchy.issuing_oca.certificate,
                credentials.__getitem__,
            )
        finally:
            opened.close()


@contextmanager
def mp261_stages() -> Iterator[Callable[[Cast, devices.ManufacturePack, Eui64], Stage]]:
    """Makes a GPF from a pack, and a DSP that knows it, as often as it is asked."""
    with ExitStack() as stack:

        def stage(cast: Cast, made_from: devices.ManufacturePack, gpf: Eui64) -> Stage:
            books = stack.enter_context(open_books(None))
            return set_stage(replace(cast, gpf=gpf), books, tracking=True, made_from=made_from)

        yield stage
