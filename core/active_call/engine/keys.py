"""The keys of the caller's telephone: a collector's while one runs, else what the playbook says they mean."""

import asyncio
from collections.abc import Callable

from active_call.dialogue.agent import Agent
from active_call.dialogue.collecting import Collecting
from active_call.playbook.acts import Act

from .contained import contained
from .reports import Reports


class Keys:
    """Owned by a pipeline: the timer of its collectors, and the meaning of a key."""

    def __init__(
        self,
        agent: Agent,
        reports: Reports,
        *,
        now_ms: Callable[[], int],
        say: Callable[[str, bool], str],
        stop: Callable[[str], None],
        ask: Callable[[], None],
        act: Callable[[Act], None],
    ) -> None:
        """`say`, `stop` and `ask` as in `Collecting`; `act` is what a key means."""
        self.reports = reports
        self.collecting = Collecting(
            agent,
            now_ms=now_ms,
            say=say,
            stop=stop,
            ask=ask,
            report=lambda problem: reports.error("playbook", problem),
            changed=self._schedule,
        )
        self._agent = agent
        self._now_ms = now_ms
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    def pressed(self, digit: str) -> None:
        if self.collecting.press(digit):
            return
        act = self._agent.key(digit)
        if act is not None:
            self._act(act)

    def close(self) -> None:
        """The call ends: whatever is being collected has no result."""
        self.collecting.drop()
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._stop()
        deadline_ms = self.collecting.deadline_ms
        if deadline_ms is not None:
            delay_s = max(0, deadline_ms - self._now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._due)

    @contained
    def _due(self) -> None:
        self.collecting.tick()
