"""`active-call talk`: a real call over the real WebSocket to a server in this process, printed and recorded."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = """Hold a spoken call with a playbook on a machine without a sound card.

The caller's lines are synthesised (--say, by the playbook's voice) or read from WAV files (--wav), spoken into a real
call, and both sides are printed with their times. The call is recorded in stereo: the caller left, the agent right.
"""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="active-call talk", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("playbook", metavar="PLAYBOOK", type=Path, help="a Markdown file")
    parser.add_argument(
        "--say", metavar="TEXT", action=_Line, help="what the caller says; again for the next turn, mixes with --wav"
    )
    parser.add_argument("--wav", metavar="FILE", action=_Line, help="a recording of what the caller says")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("talk.wav"), help="the recording (talk.wav)")
    parser.add_argument("--codec", default="pcm", choices=("pcm", "pcmu", "pcma"), help="audio on the wire (pcm)")
    parser.add_argument("--models-dir", metavar="DIR", type=Path, help="where model weights are")
    parser.add_argument("--verbose", action="store_true", help="show the log too")
    return parser


class _Line(argparse.Action):
    """Keeps --say and --wav in the order in which they were given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        lines = [*(getattr(namespace, "lines", None) or []), (str(option_string).lstrip("-"), str(values))]
        namespace.lines = lines


def main(args: list[str]) -> int:
    options = parser().parse_args(args)
    lines: list[tuple[str, str]] = getattr(options, "lines", None) or []
    if not lines:
        print("active-call talk: say something: --say TEXT or --wav FILE", file=sys.stderr)
        return 2
    for kind, value in lines:
        if kind == "wav" and not Path(value).is_file():
            print(f"active-call talk: --wav: there is no file {value}", file=sys.stderr)
            return 2
    if not options.playbook.is_file():
        print(f"active-call talk: there is no playbook {options.playbook}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO if options.verbose else logging.ERROR, format="%(levelname)s %(message)s")

    from active_call.cli.spoken import hold

    return asyncio.run(
        hold(
            options.playbook,
            options.playbook.resolve().parent,
            lines,
            out=options.out,
            codec=options.codec,
            models_dir=options.models_dir,
        )
    )
