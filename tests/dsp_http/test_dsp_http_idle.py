"""A DSP with nothing to do does nothing: engine and deliverer do not keep each other awake."""

import time


def test_deliveries_are_looked_for_when_there_may_be_some_and_not_all_the_time(lab, monkeypatch):
    looks: list[object] = []
    outbox = lab.dsp.behind.outbox
    real = outbox.deliveries

    async def counted(now, limit):
        looks.append(now)
        return await real(now, limit)

    monkeypatch.setattr(outbox, "deliveries", counted)
    assert lab.ask(lab.inventory()).code == "I0"
    lab.settled()
    looks.clear()
    time.sleep(1.0)
    assert len(looks) < 10
