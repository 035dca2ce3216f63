"""A lab's DSP without its doors: requests go to the engine, responses are read where the deliverer would fetch them."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from trustcell import duis, gbcs
from trustcell.adapters.keyfiles import KeyFile, read_key_file
from trustcell.app.dsp_serving import LabSettings, ServedDsp, lab_dsp
from trustcell.app.lab import key_pair
from trustcell.app.lab_repository import open_lab
from trustcell.dsp import Delivery, Policy
from trustcell.vocab import Eui64

SUPPLIER, OPERATOR = Eui64.parse("90-B3-D5-1F-30-01-00-00"), Eui64.parse("90-B3-D5-1F-30-02-00-00")
BROKER = Eui64.parse("90-B3-D5-1F-30-00-00-02")
GPF, ESME, CHF = (Eui64.parse(f"00-DB-12-34-56-78-90-A{last}") for last in "302")
_SIGNERS = {SUPPLIER: "xml-sign-90B3D51F30010000-ds", OPERATOR: "xml-sign-90B3D51F30020000-ds"}


@dataclass(slots=True)
class World:
    """A DSP at work, and the users' side of it."""

    dsp: ServedDsp
    keys: KeyFile
    seen: set[int] = field(default_factory=set)
    counter: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def ids(self, user: Eui64, target: Eui64) -> duis.RequestId:
        """A fresh request ID."""
        self.counter += 1
        return duis.RequestId(user, target, self.counter)

    def send(self, request: duis.Request, door: str) -> duis.Response:
        """The synchronous answer to a signed request."""
        signer = key_pair(self.keys, _SIGNERS[request.request_id.originator])
        answer = self.call(self.dsp.engine.submit(signer.sign_xml(duis.build_request(request)), door))
        assert answer.response is not None
        return duis.parse_response(answer.response).response

    def ask(self, user: Eui64, target: Eui64, variant: str, body: Any) -> tuple[duis.RequestId, str]:
        """A request of command variant 1; its ID and code."""
        ids = self.ids(user, target)
        reference = duis.services()[variant].reference
        return ids, self.send(duis.Request(ids, 1, reference, variant, body), "serviceS").response_code

    def wait(self, wanted: Callable[[duis.Response], bool], seconds: float = 20.0) -> duis.Response:
        """The first delivery of this kind that nobody has waited for yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for delivery in self.deliveries():
                response = duis.parse_response(delivery.octets).response
                if delivery.number not in self.seen and wanted(response):
                    self.seen.add(delivery.number)
                    return response
            time.sleep(0.02)
        raise AssertionError("nothing of that kind was delivered")

    def answer(self, ids: duis.RequestId, seconds: float = 20.0) -> duis.Response:
        """The response to a request."""
        return self.wait(lambda response: response.request_id == ids, seconds)

    def payload(self, response: duis.Response) -> Any:
        """The typed value of a device's message inside a response."""
        return gbcs.decode_payload(gbcs.decode(response.message.content.gbcs_payload))

    def deliveries(self) -> list[Delivery]:
        """Everything that waits for its user."""
        engine = self.dsp.engine

        def read() -> list[Delivery]:
            later = engine.now() + timedelta(minutes=1)
            return [each for manager in engine.managers for each in manager.deliveries(later, 1000)]

        found: list[Delivery] = self.call(engine.call(read))
        return found

    def trail(self, ids: duis.RequestId) -> list[Any]:
        """The lines of the trail of a request."""
        return [entry for _, _, entry in self.dsp.behind.views.trail(str(ids))]

    def call(self, awaitable: Any) -> Any:
        """Run something of the doors' side."""

        async def run() -> Any:
            return await awaitable

        return asyncio.run(run())


@contextmanager
def lab_world(
    shared: Path,
    folder: Path,
    policy: Policy | None = None,
    change: Callable[[dict[str, Any]], None] = lambda lab: None,
) -> Iterator[World]:
    """The lab of the shared file, changed as a test wants it; nothing is kept."""
    lab = json.loads((shared / "zaz1-lab.json").read_text())
    change(lab)
    path = folder / "lab.json"
    path.write_text(json.dumps(lab))
    keys = read_key_file(shared / "zaz1-test-keys.json")
    settings = LabSettings(policy=policy)
    with (
        open_lab(path, [shared / "zaz1-test-keys.json"], None) as opened,
        lab_dsp(path, keys, opened.door.repository, opened.door.clock, settings, opened.issue) as dsp,
    ):
        yield World(dsp, keys)
