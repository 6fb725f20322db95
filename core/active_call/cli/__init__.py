"""The command line. Only the chosen command's module is imported, so `active-call --help` answers at once."""

import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS: dict[str, str] = {
    "serve": "run the server (also what `active-call` with options does)",
    "talk": "hold a spoken call with a playbook, from text or a WAV file, without a sound card",
    "chat": "type with a playbook's agent, no audio",
    "check": "say what is wrong with a playbook and how to mend it",
    "test": "run the tests beside playbooks, typed or spoken",
    "plugins": "list what is installed and what it still needs",
    "models": "list, pull and verify model weights",
    "config": "show, check or start a configuration file",
    "doctor": "look over this machine and say what is missing",
}

USAGE = """usage: active-call [COMMAND] [OPTIONS]

AI voice agents on real phones and browsers.

commands:
{commands}

`active-call COMMAND --help` tells a command's options; without a command the options are those of `serve`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; returns the exit status (0 done, 1 failed, 2 wrong usage)."""
    args = list(sys.argv[1:] if argv is None else argv)
    if args and args[0] in ("-h", "--help"):
        print(USAGE.format(commands="\n".join(f"  {name:9} {text}" for name, text in COMMANDS.items())), end="")
        return 0
    if args and args[0] in ("--version", "-V"):
        from active_call import __version__

        print(f"active-call {__version__}")
        return 0
    name = args.pop(0) if args and not args[0].startswith("-") else "serve"
    if name not in COMMANDS:
        print(f"active-call: unknown command {name!r}; commands: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        status: int = importlib.import_module(f"active_call.cli.{name}").main(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us has gone (`| head`). What is still buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status
