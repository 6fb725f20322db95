"""The typed conversation of `chat`: a call in text whose audience is the terminal."""

import asyncio
import sys

from active_call.playbook.acts import Act, Goto, Hangup
from active_call.testing.text_call import TextCall


class Screen:
    """Implements `Audience`: the conversation goes to standard output, what is about it to standard error."""

    def __init__(self) -> None:
        self._at_line_start = True

    def begins(self) -> None:
        self._at_line_start = True

    def says(self, text: str) -> None:
        print(text.lstrip() if self._at_line_start else text, end="", flush=True)
        self._at_line_start = False

    def does(self, act: Act) -> None:
        match act:
            case Hangup():
                print("\n(the agent hangs up)", end="")
                return
            case Goto(scene):
                print(f"\n(scene: {scene})")
            case _:
                print(f"\n({act})")
        self._at_line_start = True

    def ends(self) -> None:
        print(flush=True)
        self._at_line_start = True

    def trouble(self, text: str) -> None:
        print(f"\n({text})", file=sys.stderr)

    def failed(self, text: str) -> None:
        print(f"({text})", file=sys.stderr)


async def converse(call: TextCall) -> int:
    """Until the agent hangs up or the input ends; the exit status."""
    await call.begin()
    while not call.over:
        print("> ", end="", flush=True)
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            print()
            return 0
        if line.strip():
            await call.say(line.strip())
    return 0
