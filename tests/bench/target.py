"""What runs cost that go through the gateway: 200 at 32 at a time, a call of 200 ms each.

First what the sandbox adds to a run of a target's step, and to the start of its worker.

A prompt-file step runs in our process, with the gateway as its model's address; a step of a target
in a process of its own, a fork for each run. Ratio = wall time / (ceil(runs / places) x 0.2 s).
"""

import json
import os
import sys
import time
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from adapters.sandbox.bubblewrap import SETTING
from adapters.step.python_target import PythonTarget
from prompt_lab.names import Side
from tests.adapters.step.bench import Bench
from tests.bench.fan_out import LATENCY, child
from tests.bench.gateway import gateway_to
from tests.bench.stand_in import started
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld

ASK = """
    import json, urllib.request
    said = json.dumps({"model": "x", "messages": [{"role": "user", "content": core.PROMPT}]})
    head = {"Content-Type": "application/json"}
    url = models[0]["base_url"] + "/chat/completions"
    urllib.request.urlopen(urllib.request.Request(url, said.encode(), head)).read()
    return {}
""".strip()


def main(runs: int, places: int) -> None:
    """Measure both and print a row for each."""
    _compare_sandbox()
    stand_in, address = started(LATENCY)
    ideal = ceil(runs / places) * LATENCY
    print(f"{runs} runs, {places} at a time, one call of {LATENCY * 1000:.0f} ms each\n")
    with TemporaryDirectory() as folder, gateway_to(address, places, Path(folder)) as gateway:
        token = gateway.issue("stand-in", plan="bench", side=Side.BASELINE, replicate=0)
        url = gateway.url(token).openai
        found = child("dag", [folder, str(runs), str(places), url])
        assert gateway.usage(token).calls >= runs
    print(f"prompt-file step through the gateway: {found['seconds'] / ideal:.2f} of the ideal")
    with TemporaryDirectory() as folder:
        seconds, forks = _target(Path(folder), address, runs, places)
    print(
        f"step in the target's own process:     {seconds / ideal:.2f} of the ideal, "
        f"{median(forks) * 1000:.1f} ms CPU a fork in the median"
    )
    stand_in.kill()


def _compare_sandbox(runs: int = 60) -> None:
    """Runs of an empty step, by turns in a sandbox and in none."""
    spent: dict[str, list[tuple[float, float]]] = {"sandboxed": [], "unsandboxed": []}
    with ExitStack() as resources:
        steps = {}
        for name in spent:
            bench = Bench(Path(resources.enter_context(TemporaryDirectory())))
            resources.callback(bench.close)
            steps[name] = bench, bench.step()
        starts = {name: _timed(step, name)[0] for name, step in steps.items()}
        for _ in range(runs):
            for name, step in steps.items():
                spent[name].append(_timed(step, name))
    del os.environ[SETTING]
    wall, cpu = ({n: median(s[at] for s in spent[n]) * 1000 for n in spent} for at in (0, 1))
    for name in spent:
        print(
            f"a run of an empty step, {name + ':':12} {wall[name]:6.1f} ms in the median,"
            f" {cpu[name]:.1f} ms of our CPU; with its worker's start {starts[name] * 1000:.0f} ms"
        )
    print(
        f"the sandbox adds {wall['sandboxed'] - wall['unsandboxed']:.1f} ms a run, ratio"
        f" {wall['sandboxed'] / wall['unsandboxed']:.2f}; load {os.getloadavg()[0]:.1f} on"
        f" {os.cpu_count()} CPUs\n"
    )


def _timed(step: tuple[Bench, PythonTarget], name: str) -> tuple[float, float]:
    """Seconds and CPU seconds of one run."""
    os.environ[SETTING] = "none" if name == "unsandboxed" else ""
    job = step[0].job()
    begun, used = time.perf_counter(), time.process_time()
    result = step[1].execute(job)
    assert result.error is None, result.error
    return time.perf_counter() - begun, time.process_time() - used


def _target(folder: Path, address: str, runs: int, places: int) -> tuple[float, list[float]]:
    """Seconds from the first event to the last, and the CPU seconds of each fork."""
    model = {**DUMMY, "base_url": address, "workers": places}
    lab = {"train_plans": runs // 2, "policy": "fixed"}
    world = TargetWorld(folder, models={"one": model}, lab_config=lab)
    world.small(body=ASK, plans=runs // 2)
    world.write(folder / "configs/policies", {"fixed.yaml": "mode: fixed\nverify: 'off'\n"})
    world.branch("better", {"src/notes/core.py": BETTER})
    os.environ.update(world.env)
    begun = time.perf_counter()
    assert world.iterate(branch="better")
    whole = time.perf_counter() - begun
    made = world.runs()
    assert len(made) == runs
    assert all(run["usage"]["calls"] == 1 for run in made)
    summary = json.loads((world.folder / "runs_train.json").read_text())
    print(f"(the whole iteration took {whole:.1f} s, its runs {summary['seconds']:.1f} s)")
    return summary["seconds"], [run["process"]["cpu_seconds"] for run in made]


if __name__ == "__main__":
    numbers = [int(n) for n in sys.argv[1:]] or [200, 32]
    main(numbers[0], numbers[1])
