"""How long a read of a prompt over HTTP takes at 300 requests a second, and in process.

`python -m tests.bench.prompts` serves a lab in a process of its own, asks it at fixed times over
kept connections, and ends with 1 where a limit is passed. A latency counts from the time at which
the request was due, so that a server that stalls is not spared the requests of its pause.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import psutil

from prompt_lab.store.prompt_reader import Prompts
from tests.pipeline.web.labs import ID, make_lab
from tests.pipeline.web.served import serving

PER_SECOND = 300
SECONDS = 10
CONNECTIONS = 8
P99_MS = 10.0
IN_PROCESS_US = 5.0
READS = 200_000


def main() -> int:
    """Measure and print; 1 where a read takes longer than the limits."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder) / "lab"
        make_lab(lab)
        with serving(lab) as (address, process):
            host, port = address.removeprefix("http://").split(":")
            before = _cpu_seconds(process.pid)
            latencies = sorted(asyncio.run(_ask(host, int(port))))
            cpu = 1e3 * (_cpu_seconds(process.pid) - before) / (PER_SECOND * (SECONDS + 1))
        each = _read_in_process(lab)
    p50, p99 = (1e3 * latencies[int(len(latencies) * q)] for q in (0.5, 0.99))
    print(
        f"HTTP, {PER_SECOND} requests a second for {SECONDS} s: median {p50:.2f} ms, p99 {p99:.2f}"
        f" ms, slowest {1e3 * latencies[-1]:.2f} ms (limit of p99: {P99_MS:g} ms);"
        f" the server took {cpu:.2f} ms of processor time each"
    )
    print(f"in process: {each:.2f} us a read (limit: {IN_PROCESS_US:g} us)")
    return 0 if p99 <= P99_MS and each <= IN_PROCESS_US else 1


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _read_in_process(lab: Path) -> float:
    prompts = Prompts(lab)
    begun = time.perf_counter()
    for _ in range(READS):
        prompts.get(ID)
    taken = time.perf_counter() - begun
    prompts.close()
    return 1e6 * taken / READS


async def _ask(host: str, port: int) -> list[float]:
    """The latency of each request, after a second of warming up."""
    await asyncio.gather(*(_send(host, port, n, time.monotonic(), 1) for n in range(CONNECTIONS)))
    begun = time.monotonic() + 0.1
    parts = await asyncio.gather(
        *(_send(host, port, n, begun, SECONDS) for n in range(CONNECTIONS))
    )
    return [latency for part in parts for latency in part]


async def _send(host: str, port: int, number: int, begun: float, seconds: int) -> list[float]:
    reader, writer = await asyncio.open_connection(host, port)
    request = f"GET /api/v1/prompts/{ID} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    found = []
    for at in range(number, PER_SECOND * seconds, CONNECTIONS):
        due = begun + at / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(n for n in head.lower().split(b"\r\n") if n.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        found.append(time.monotonic() - due)
    writer.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
