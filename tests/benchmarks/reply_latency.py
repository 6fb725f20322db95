"""How long a caller waits for a reply, as heard in the stereo recording of real calls with the embedded stack.

    python tests/benchmarks/reply_latency.py [--turns 12] [--codec pcm] [--out latency.wav]

Real recorded sentences (Debian's pocketsphinx-testdata) are spoken into a call on this machine; the recording has the
caller left and the agent right. Latency is from the last loud sample left to the first loud sample right. "framework"
is what is neither a model nor the chosen silence: the brain is rules here, so it is llm + sentence + play of the `turn`
metrics, and what the recording adds to their total. Nothing else should run on the machine meanwhile.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from active_call.audio.wav import load_mono, read_wav
from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.server.app import application
from active_call.testing.caller import Caller

CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")
LOUD = 500
PLAYBOOK = """---
greeting: Hello.
script:
  fallback: ["I see, and what then?", "Really? Please go on.", "That is interesting."]
---
You listen to a story.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--codec", default="pcm", choices=("pcm", "pcmu", "pcma"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    clips = [load_mono(path) for path in sorted(CLIPS.glob("*.wav"))]
    if not clips:
        raise SystemExit(f"no clips in {CLIPS}: apt-get install pocketsphinx-testdata")
    with tempfile.TemporaryDirectory() as folder:
        record = options.out or Path(folder, "latency.wav")
        turns = asyncio.run(_call(clips, options.turns, options.codec, record))
        heard = _latencies(record)
    _print(heard, turns)


async def _call(clips: list[Any], turns: int, codec: str, record: Path) -> list[dict[str, int]]:
    runtime = Runtime(Paths(playbooks=[record.parent], media=[record.parent]))
    missing = runtime.missing_models()
    if missing:
        raise SystemExit(f"missing models: {', '.join(missing)}; run `active-call models pull embedded`")
    async with runtime.running() as manager:
        await runtime.preload(manager.services.pool)
        listener = bind("127.0.0.1", 0)
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with listening(application(manager), listener):
            async with httpx.AsyncClient(base_url=base) as client:
                answer = await client.post("/api/playbook/run", json={"content": PLAYBOOK})
            path = f"/call?id={answer.json()['session_id']}"
            async with Caller(base, path, codec=codec, record=record) as caller:
                await caller.invite()
                await caller.quiet(1.0, 10)
                for turn in range(turns):
                    await caller.say(clips[turn % len(clips)])
                    await caller.replied(15)
                    await asyncio.sleep(0.3)
                await caller.hang_up()
                await caller.until_closed(5)
        metrics = [e for e in caller.events if e.get("event") == "metrics" and e["key"] == "turn"]
        late = sorted(manager.services.clock.late_ms)
        print(f"media clock late: p99 {late[int(len(late) * 0.99)]:.1f} ms, max {late[-1]:.1f} ms")
    return [event["data"]["stages"] for event in metrics]


def _latencies(record: Path) -> list[float]:
    """Milliseconds from the last loud sample of each of the caller's sentences to the agent's next first one."""
    samples, rate = read_wav(record)
    caller = np.flatnonzero(np.abs(samples[:, 0].astype(np.int32)) > LOUD)
    agent = np.flatnonzero(np.abs(samples[:, 1].astype(np.int32)) > LOUD)
    # A reply begins where the agent was silent for a second before.
    onsets = agent[np.concatenate([[True], np.diff(agent) > rate])]
    result = []
    for onset in onsets:
        before = caller[caller < onset]
        if len(before):
            result.append((onset - before[-1]) * 1000 / rate)
    return result


def _print(heard: list[float], turns: list[dict[str, int]]) -> None:
    def line(name: str, values: list[float]) -> None:
        if values:
            p50, p95 = np.percentile(values, [50, 95])
            print(f"{name:28} p50 {p50:6.0f}  p95 {p95:6.0f}  n {len(values)}")

    print(f"load average {os.getloadavg()[0]:.2f}; milliseconds:")
    line("heard in the recording", heard)
    for stage in ("total", "endpoint", "asr", "llm", "sentence", "tts", "play"):
        line(f"  {stage}", [float(turn[stage]) for turn in turns])
    own = [float(turn["llm"] + turn["sentence"] + turn["play"]) for turn in turns]
    line("framework (llm+sentence+play)", own)


if __name__ == "__main__":
    main()
