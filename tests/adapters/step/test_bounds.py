"""A step that hangs, bursts, floods or dies: ended in time, with its children, and reported."""

import pytest

from tests.adapters.step.bench import CHILDREN, LEFT, Bench, kind, pids
from tests.processes import command_runs

pytestmark = pytest.mark.slow
LIMIT = 1.0


def test_a_plan_that_ignores_signals_ends_too(bench: Bench) -> None:
    body = (
        "import signal\nfor n in (1, 2, 15):\n    signal.signal(n, signal.SIG_IGN)\nwhile 1: pass"
    )
    assert kind(bench.run(bench.step(body), limit_seconds=LIMIT)) == "time_limit"


def test_what_a_plan_leaves_running_ends_with_it(bench: Bench) -> None:
    job = bench.job()
    result = bench.step(CHILDREN).execute(job)
    assert result.error is None
    assert result.process is not None
    assert result.process.killed == 2
    assert len(pids(job.out_dir)) == 3
    assert not command_runs(LEFT)


def test_prints_below_the_limit_cost_nothing_but_their_middle(bench: Bench) -> None:
    job = bench.job()
    result = bench.step("print('first')\nprint('x' * (5 << 20))\nprint('last')").execute(job)
    log = (job.out_dir / "step.log").read_text()
    assert result.error is None
    assert log.startswith("first")
    assert log.endswith("last\n")
    assert "bytes left out" in log


@pytest.mark.parametrize("files", [1, 64], ids=["one file", "many files"])
def test_a_gigabyte_of_files_is_contained_and_removed(bench: Bench, files: int) -> None:
    body = f"""
import time
for number in range({files}):
    with open(out_dir + f"/big{{number}}", "wb") as file:
        for _ in range(1024 // {files}):
            file.write(b"x" * (1 << 20))
    time.sleep(0.02)
"""
    job = bench.job()
    result = bench.step(body, limits={"output_mb": 64}).execute(job)
    assert kind(result) == "output_limit"
    assert sum(f.stat().st_size for f in job.out_dir.iterdir()) < 100_000


def test_too_much_memory_is_an_error_of_that_plan_alone(bench: Bench) -> None:
    step = bench.step("bytearray(2 << 30)", limits={"memory_mb": 512})
    assert kind(bench.run(step)) == "memory_limit"


@pytest.mark.parametrize(
    ("body", "said"),
    [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 9)", "SIGKILL")],
)
def test_a_plan_that_dies_says_how_and_the_next_one_runs(
    bench: Bench, body: str, said: str
) -> None:
    step = bench.step(f"import os\nif open(plan_dir + '/in.txt').read() == 'die':\n    {body}")
    (bench.plan / "in.txt").write_text("die")
    result = bench.run(step)
    assert kind(result) == "died"
    assert said in (result.error.message if result.error else "")
    (bench.plan / "in.txt").write_text("live")
    assert bench.run(step).error is None
