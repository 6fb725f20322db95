"""What happens when nobody speaks: the agent asks again, so many times, and then the call ends."""

import asyncio
from collections.abc import Callable

from active_call.dialogue.agent import Agent


class FollowUp:
    """Driven by the turn table: `start` whenever the call becomes idle, `stop` whenever it ceases to be."""

    def __init__(self, agent: Agent, *, ask: Callable[[], None], give_up: Callable[[], None]) -> None:
        self._agent = agent
        self._ask = ask
        self._give_up = give_up
        self._unanswered = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Nobody speaks and nobody has to."""
        self.stop()
        rules = self._agent.follow_up
        if rules is not None:
            self._timer = asyncio.get_running_loop().call_later(rules.timeout / 1000, self._due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def answered(self) -> None:
        """The caller said something."""
        self._unanswered = 0

    def _due(self) -> None:
        self._timer = None
        rules = self._agent.follow_up
        if rules is None:
            return
        if self._unanswered >= rules.max_count:
            self._give_up()
            return
        self._unanswered += 1
        self._ask()
