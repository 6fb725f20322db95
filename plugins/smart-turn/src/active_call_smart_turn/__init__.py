"""Smart Turn end-of-turn detection as an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import HubSource, ModelEntry, ModelFile, PackagePart, PackageSource, TurnTraits, hookimpl

if TYPE_CHECKING:
    from active_call.plugin.models import RegisterModel
    from active_call.plugin.registry import Register

MODEL = "smart-turn"
FILE = "smart-turn-v3.2-cpu.onnx"


@hookimpl
def register_turn(register: "Register") -> None:
    register(
        "smart-turn",
        "active_call_smart_turn.turn:open_turn",
        TurnTraits(summary="Smart Turn v3.2 on the CPU, from the sound of the voice", offline=True, models=(MODEL,)),
    )


@hookimpl
def register_models(register: "RegisterModel") -> None:
    register(
        ModelEntry(
            name=MODEL,
            summary="Smart Turn v3.2 (CPU): end of turn from 8 s of audio",
            licence="BSD-2-Clause",
            groups=("embedded",),
            files=(
                ModelFile(
                    name=FILE,
                    sha256="2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
                    size=8679182,
                    sources=(
                        HubSource(repo="pipecat-ai/smart-turn-v3", path=FILE),
                        PackageSource(
                            parts=(
                                PackagePart(
                                    requirement="pipecat-ai==1.14.0", path=f"pipecat/audio/turn/smart_turn/data/{FILE}"
                                ),
                            )
                        ),
                    ),
                ),
            ),
        )
    )
