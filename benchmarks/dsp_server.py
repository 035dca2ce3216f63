"""The product's server over a benchmark's devices: as a program it prints its address and ends with its input."""

import os
import signal
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import dsp_world
from trustcell.adapters.clock import system_random
from trustcell.app.callbacks import CallbackRules
from trustcell.app.desk import HomeDesk, LocalDesk
from trustcell.app.dsp_serving import woken_by
from trustcell.app.engine import Deliveries, Engine
from trustcell.app.front import Behind, Front, open_front
from trustcell.app.operating import DspOperator
from trustcell.app.serve import serve
from trustcell.app.users import UserBook
from trustcell.devices import VirtualWan
from trustcell.dsp import Policy
from trustcell.vocab import Eui64


def main(folder: Path, size: int, callback: str) -> None:
    """Serve until the other side closes our input."""
    # Users who are given time to read an acknowledgement first would be measured, not the server.
    policy = Policy(callback_delay=timedelta(0))
    world = dsp_world.make_world(dsp_world.files(folder), size, policy=policy)
    began = time.monotonic()

    def clock() -> datetime:
        return dsp_world.BEGINS + timedelta(hours=1, seconds=time.monotonic() - began)

    def address(user: Eui64) -> str:
        return callback

    world.manager.store.renew(clock())
    engine = Engine({"0": world.manager}, lambda octets: "0", clock)
    desk = LocalDesk(engine.call, lambda of: HomeDesk(engine.manager("0"), clock))
    operator = DspOperator(desk, engine.call, world.homes, UserBook({}), VirtualWan(world.estate), clock)
    behind = Behind(engine, world.homes.views, operator, Deliveries(engine), address, clock, system_random)
    opened = open_front(Front(duis_port=0, api_port=0, callbacks=CallbackRules(lab=True)), behind)
    engine.start()
    threading.Thread(target=_watch, daemon=True).start()
    serve(
        opened.services,
        lambda urls: print(urls["duis"], flush=True),
        [*opened.work, lambda stopping: woken_by(engine, opened.wake, stopping)],
    )
    engine.stop()


def _watch() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
