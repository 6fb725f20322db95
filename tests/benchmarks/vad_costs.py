"""What voice activity detection costs: microseconds per window of 32 ms, by engine, rate and number of calls.

Run with `python tests/benchmarks/vad_costs.py`. "wall" is the fastest round; "cpu" is the process's CPU time in that
round, so a cpu figure well above wall betrays a second thread. On a shared machine trust ratios, not absolutes.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from active_call_silero.detector import ENGINES, SileroDetector, open_detector

CALLS = (1, 8, 25, 100)
WINDOW_MS = 32


def measure(detector: SileroDetector, calls: int, rounds: int) -> tuple[float, float]:
    """Wall and CPU microseconds per window of the fastest round; each round scores about 200 windows."""
    slots = np.array([detector.join() for _ in range(calls)])
    random = np.random.default_rng(calls)
    windows = random.normal(0, 2000, (8, calls, detector.window)).astype(np.int16)
    repeats = max(2, 200 // calls)
    best = (float("inf"), 0.0)
    for _ in range(rounds + 1):  # the first warms caches and page tables
        cpu, wall = time.process_time(), time.perf_counter()
        for at in range(repeats):
            detector.score(slots, windows[at % len(windows)])
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        best = min(best, (wall, cpu))
    for slot in slots.tolist():
        detector.leave(slot)
    return best[0] / repeats / calls * 1e6, best[1] / repeats / calls * 1e6


async def table(rounds: int) -> None:
    async def run(function: Callable[..., Any], /, *args: object) -> Any:
        return function(*args)

    host: Any = SimpleNamespace(run=run, log=logging.getLogger("vad-costs"))
    print("| engine | rate Hz | calls | wall us/window | cpu us/window | one batch ms | calls per core |")
    print("|---|---|---|---|---|---|---|")
    for rate_hz in (16000, 8000):
        for engine in ENGINES:
            async with open_detector(host, {"rate_hz": rate_hz, "engine": engine}) as detector:
                for calls in CALLS:
                    wall, cpu = measure(detector, calls, rounds)
                    print(
                        f"| {engine} | {rate_hz} | {calls} | {wall:.1f} | {cpu:.1f} "
                        f"| {wall * calls / 1000:.2f} | {WINDOW_MS * 1000 / cpu:.0f} |"
                    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="rounds per row; the fastest counts (default: 15)")
    asyncio.run(table(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
