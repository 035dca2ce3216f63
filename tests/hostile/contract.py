"""The contract of refusal, for whatever comes through the doors: points (1) to (6) of the hostile inputs."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostile.watching import Watch
from served_lab import Answer, ServedLab

CPU_SECONDS = 1.0
KIB = 64 * 1024
_SECRET = ("PRIVATE", "Traceback", "the secret of this machine", "Bearer ")


@dataclass
class Contract:
    """Holds one lab to it."""

    lab: ServedLab
    watch: Watch
    caplog: Any

    def refuses(
        self, send: Callable[[], Answer], status: int, code: str | None = None, *, reasons: set[str] | None = None
    ) -> Answer:
        """The same refusal twice, told once each, and nothing else changed; the next good request is served.

        ``code`` is the machine code or the DUIS response code, ``reasons`` are the codes of the findings in the trail.
        """
        before = self.lab.settled()
        answers = [self._once(send, status, code, reasons) for _ in range(2)]
        assert answers[0].code == answers[1].code, "the same verdict twice"
        after = self.lab.dump()
        changed = {name: (before[name], rows) for name, rows in after.items() if rows != before[name]}
        assert not changed, changed
        request = self.lab.inventory()
        assert self.lab.ask(request).code == "I0", self.lab.why(request)
        return answers[0]

    def _once(self, send: Callable[[], Answer], status: int, code: str | None, reasons: set[str] | None) -> Answer:
        last = self.lab.last_line()
        self.caplog.clear()
        self.watch.touched()
        self.watch.opened.clear()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        answer = send()
        used = time.process_time() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        assert answer.status == status, answer.body
        if code is not None:
            assert answer.code == code, self.lab.trail(after=last)
        assert used < CPU_SECONDS
        assert grown < KIB
        assert self.watch.touched() == []
        assert [each for each in self.watch.opened if not self._own(each[1])] == []
        self._told(answer, last, reasons)
        return answer

    def _own(self, path: object) -> bool:
        """Heads of the audit chain are exported every two seconds; tokens are read again when their file changes."""
        own = (self.lab.folder / "dsp-heads", self.lab.folder / "tokens.json")
        return Path(str(path)) == self.lab.folder or str(path).startswith(tuple(map(str, own)))

    def _told(self, answer: Answer, last: int, reasons: set[str] | None) -> None:
        """One line under the reference that the sender has: in the trail, or in the log for what never got so far."""
        reference = answer.reference
        assert reference
        lines = self.lab.trail(after=last)
        logged = [record.getMessage() for record in self.caplog.records if reference in record.getMessage()]
        assert len(lines) + len(logged) == 1, (lines, logged)
        for text in (answer.body.decode(), str(lines), str(logged)):
            assert not any(word in text for word in _SECRET)
        if logged:
            return
        (line,) = lines
        assert line["reference"] == reference
        if line["kind"] == "unreadable":
            assert line["facts"]["reason"] == answer.code
            assert line["facts"]["why"]
            return
        assert line["kind"] == "refused"
        findings = line["facts"]["findings"]
        assert line["facts"]["code"] == answer.code
        assert all(each["field"] and each["message"] for each in findings)
        if reasons is not None:
            assert reasons <= {each["code"] for each in findings}
