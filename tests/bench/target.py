"""What runs cost that go through the gateway: 200 at 32 at a time, a call of 200 ms each.

A prompt-file step runs in our process, with the gateway as its model's address; a step of a target
in a process of its own, a fork for each run. Ratio = wall time / (ceil(runs / places) x 0.2 s).
"""

import json
import os
import sys
import time
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from prompt_lab.names import Side
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
