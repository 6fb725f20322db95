"""How long the command line takes to answer, from nothing: `python tests/benchmarks/cold_start.py`.

`--help` aims at 150 ms, `serve` at 1 s until it answers `/list`; models load beside that.
"""

import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

RUNS = 11
COMMAND = str(Path(sys.executable).parent / "active-call")


def milliseconds(args: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def ready_ms() -> float:
    """From the start of `serve` to its first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.perf_counter()
    process = subprocess.Popen(
        [COMMAND, "serve", "--http", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"http://{address}/list", timeout=5).read()
            except urllib.error.URLError:
                time.sleep(0.005)
            else:
                return (time.perf_counter() - began) * 1000
        raise SystemExit(f"serve ended with {process.returncode}")
    finally:
        process.terminate()
        process.wait(20)


def report(what: str, times: list[float]) -> None:
    print(
        f"{what:34} median {statistics.median(times):6.0f} ms   best {min(times):6.0f} ms   worst {max(times):6.0f} ms"
    )


def main() -> None:
    report("python -c pass", [milliseconds([sys.executable, "-c", "pass"]) for _ in range(RUNS)])
    for arguments in (["--help"], ["serve", "--help"], ["plugins"]):
        report(f"active-call {' '.join(arguments)}", [milliseconds([COMMAND, *arguments]) for _ in range(RUNS)])
    report("active-call serve, first answer", [ready_ms() for _ in range(5)])


if __name__ == "__main__":
    main()
