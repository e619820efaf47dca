"""How long `prepare` takes in process at 100 prompts, and over HTTP at 300 requests a second;
how many choices the selector makes.

Over HTTP it is measured without the optimizer's worker and with it.
`python -m tests.bench.promptops` ends with 1 where a limit is passed. Over HTTP a latency counts
from the time at which the request was due, as in tests/bench/prompts.py; metric rows are written
meanwhile.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from prompt_lab.config.promptops import PromptOpsConfig, SelectorConfig
from prompt_lab.promptops.contract import PromptOps
from prompt_lab.promptops.selection.records import (
    SelectionContext,
    SelectionEvidence,
    VariantEvidence,
)
from prompt_lab.promptops.selection.selector import Selector
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.bench.prompts import _cpu_seconds
from tests.pipeline.web.labs import find_any, why
from tests.pipeline.web.served import serving

PROMPTS = 100
CALLS = 50_000
IN_PROCESS_US = 20.0
CHOICES_PER_SECOND = 10_000
PER_SECOND = 300
SECONDS = 10
CONNECTIONS = 8
P99_MS = 10.0
TEXT = "Answer the question in one sentence, and name the source that says so.\n" * 20
QUESTION = "Which press of hall 3 stood still during the night shift, and for how long? " * 3


def make_lab(root: Path) -> None:
    """A lab with 100 prompts, every second of which says where the question goes."""
    texts = {f"p{n}": f"{n}. {TEXT}" + "Question: {{ query }}" * (n % 2) for n in range(PROMPTS)}
    manifests = {
        name: propose_manifest(name, text).model_copy(update={"task_class": f"class {name}"})
        for name, text in texts.items()
    }
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_any)
    registry.import_texts(texts, manifests, why("for the benchmark", 1))


def main() -> int:
    """Measure and print; 1 where a limit is passed."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder) / "lab"
        make_lab(lab)
        median, whole = measure_in_process(lab)
        written = len(read_rows(lab / "promptops" / "metrics.jsonl"))
        print(
            f"in process, {PROMPTS} prompts, {CALLS:,} calls: median {median:.1f} us (limit:"
            f" {IN_PROCESS_US:g} us), mean {whole:.1f} us with the writing of {written:,} rows"
        )
        choices = measure_choices()
        print(
            f"selector: {choices:,.0f} choices a second in process,"
            f" {choices / CHOICES_PER_SECOND:.1f} times the promised {CHOICES_PER_SECOND:,}"
        )
        slowest = max(measure_over_http(lab), measure_over_http(lab, "--worker"))
    is_fast = slowest <= P99_MS and median <= IN_PROCESS_US and choices >= CHOICES_PER_SECOND
    return 0 if is_fast and written == CALLS else 1


def measure_over_http(lab: Path, *options: str) -> float:
    """The p99 of a server with these options, in milliseconds; prints it and more."""
    with serving(lab, *options) as (address, process):
        host, port = address.removeprefix("http://").split(":")
        before = _cpu_seconds(process.pid)
        answers = asyncio.run(ask_at_fixed_times(host, int(port)))
        cpu = 1e3 * (_cpu_seconds(process.pid) - before) / (PER_SECOND * (SECONDS + 1))
    latencies = sorted(one.seconds for one in answers)
    raw = sum(not one.applied for one in answers)
    p50, p99 = (1e3 * latencies[int(len(latencies) * q)] for q in (0.5, 0.99))
    print(
        f"HTTP, worker {'on' if options else 'off'}, {PER_SECOND} requests a second for"
        f" {SECONDS} s: median {p50:.2f} ms, p99 {p99:.2f} ms, slowest {1e3 * latencies[-1]:.2f} ms"
        f" (limit of p99: {P99_MS:g} ms); the server took {cpu:.2f} ms of processor time each;"
        f" {raw} answers were raw prompts, past the budget of prepare"
    )
    return p99


def measure_choices() -> float:
    """Choices a second of processor time among five variants in 100 groups, none of them known."""
    names = tuple("abcde")
    evidence = {n: VariantEvidence(successes=60 + at, failures=40) for at, n in enumerate(names)}
    contexts = [SelectionContext("p", f"class {n}") for n in range(PROMPTS)]
    groups = {"p": {context.key: evidence for context in contexts}}
    selector = Selector(SelectorConfig(), SelectionEvidence(groups=groups))
    begun = time.process_time()
    for n in range(CALLS):
        selector.choose(contexts[n % PROMPTS], "a", names)
    return CALLS / (time.process_time() - begun)


def measure_in_process(lab: Path) -> tuple[float, float]:
    """(median of one call, mean until all rows are on the disk), microseconds."""
    classes = [f"class p{n}" for n in range(PROMPTS)]
    taken = []
    begun = time.perf_counter()
    with PromptOps(Lab(lab), PromptOpsConfig()) as service:
        for n in range(CALLS):
            start = time.perf_counter_ns()
            service.prepare(classes[n % PROMPTS], QUESTION, {"unit": "user 7"})
            taken.append(time.perf_counter_ns() - start)
            if n % 1000 == 999:  # a program waits for its model between calls
                service.metrics.flush()
    whole = time.perf_counter() - begun
    return statistics.median(taken) / 1e3, 1e6 * whole / CALLS


class TimedAnswer(NamedTuple):
    """One answer of the server."""

    seconds: float
    applied: bool


async def ask_at_fixed_times(host: str, port: int) -> list[TimedAnswer]:
    """The answers, after a second of warming up."""
    begun = time.monotonic() + 0.1
    await asyncio.gather(*(_send(host, port, n, begun, 1) for n in range(CONNECTIONS)))
    begun = time.monotonic() + 0.1
    parts = await asyncio.gather(
        *(_send(host, port, n, begun, SECONDS) for n in range(CONNECTIONS))
    )
    return [answer for part in parts for answer in part]


async def _send(host: str, port: int, number: int, begun: float, seconds: int) -> list[TimedAnswer]:
    reader, writer = await asyncio.open_connection(host, port)
    found = []
    for at in range(number, PER_SECOND * seconds, CONNECTIONS):
        body = json.dumps(
            {
                "task_class": f"class p{at % PROMPTS}",
                "raw_prompt": QUESTION,
                "context": {"unit": f"user {at}"},
            }
        ).encode()
        head = (
            f"POST /api/v1/promptops/prepare HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        due = begun + at / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        writer.write(head.encode() + body)
        answered = await reader.readuntil(b"\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 200"), answered
        lines = answered.lower().split(b"\r\n")
        length = next(line for line in lines if line.startswith(b"content-length"))
        answer = await reader.readexactly(int(length.split(b":")[1]))
        found.append(TimedAnswer(time.monotonic() - due, b'"applied": true' in answer))
    writer.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
