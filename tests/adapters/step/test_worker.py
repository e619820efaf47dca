"""The worker process itself: many plans at once, noise, its own death, and ours."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from prompt_lab.errors import TargetError
from tests.adapters.step.bench import CHILDREN, LEFT, Bench, kind
from tests.processes import command_runs, until

pytestmark = pytest.mark.slow


def test_an_exception_is_data_with_its_place(bench: Bench) -> None:
    result = bench.run(bench.step("raise ValueError('two options, not three')"))
    assert kind(result) == "exception"
    assert result.error is not None
    assert "step0.py" in result.error.message
    assert result.error.message.endswith("ValueError: two options, not three")


def test_a_step_may_name_its_own_error(bench: Bench) -> None:
    body = 'return {"error": {"kind": "invalid_answer", "message": "cut off"}, "calls": 3}'
    result = bench.run(bench.step(body))
    assert kind(result) == "invalid_answer"
    assert result.process is not None
    assert result.process.said == {"calls": 3}


def test_a_candidate_that_cannot_be_imported_fails_its_runs_alone(bench: Bench) -> None:
    broken = bench.target.branch("broken", {"src/pkg/core.py": "def answer(:\n"})
    step = bench.step()
    results = [bench.run(step, broken), bench.run(step, broken), bench.run(step)]
    assert [kind(result) for result in results] == ["import_failed", "import_failed", ""]
    assert "SyntaxError" in (results[0].error.message if results[0].error else "")
    with pytest.raises(TargetError, match="SyntaxError"):
        step.describe(bench.work.worktree(broken))


def test_plans_run_at_the_same_time_from_many_threads(bench: Bench) -> None:
    step = bench.step("import time\ntime.sleep(4)\nreturn {'n': open(plan_dir + '/n').read()}")
    jobs = []
    for number in range(16):
        plan = bench.root / f"plan{number}"
        plan.mkdir()
        (plan / "n").write_text(str(number))
        jobs.append(bench.job(plan_dir=plan))
    bench.run(bench.step())
    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(step.execute, jobs))
    assert time.monotonic() - started < 50  # one after the other: 64
    assert [r.process.said["n"] for r in results if r.process] == [str(n) for n in range(16)]


def test_what_imports_and_steps_print_stands_not_among_the_answers(bench: Bench) -> None:
    commit = bench.target.commit({"src/pkg/core.py": "print('{\"done\": 1}')\n" + CORE_ANSWER})
    body = """
import os
for fd in range(3, 64):
    try:
        os.write(fd, b'{"done": 1}')
    except OSError:
        pass
print('{"done": 1, "error": null}')
"""
    quiet = bench.run(bench.step("print('{\"done\": 1}')"), commit)
    assert quiet.error is None
    loud = bench.run(bench.step(body), commit)
    assert kind(loud) in ("", "died")


_KILLS = """
import os, time
if open(plan_dir + '/in.txt').read() == 'kill':
    os.kill(os.getppid(), 9)
time.sleep(1)
"""


def test_a_step_that_kills_its_worker_fails_alone(bench: Bench) -> None:
    step = bench.step(_KILLS)
    plans = [bench.root / name for name in ("kills", "other", "third")]
    for plan in plans:
        plan.mkdir()
        (plan / "in.txt").write_text("kill" if plan.name == "kills" else "text")
    jobs = [bench.job(plan_dir=plan) for plan in plans]
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(step.execute, jobs))
    assert [kind(result) for result in results] == ["died", "", ""]
    assert kind(bench.run(step)) == ""


ERRORS = {
    "'bad answer'": ("step_error", "bad answer"),
    "{}": ("step_error", "{}"),
    "''": ("step_error", ""),
    "[1, 2]": ("step_error", "[1, 2]"),
    "False": ("step_error", "false"),
    "{'kind': 'odd'}": ("odd", '{"kind": "odd"}'),
    "{'kind': 3, 'message': None}": ("step_error", "null"),
    "None": None,
}


def test_an_error_of_any_shape_is_the_run_s(bench: Bench) -> None:
    """All by one step, whose plan says which of them it gives."""
    errors = ", ".join(ERRORS)
    step = bench.step(f"return {{'error': [{errors}][int(open(plan_dir + '/in.txt').read())]}}")
    for number, (given, found) in enumerate(ERRORS.items()):
        (bench.plan / "in.txt").write_text(str(number))
        error = bench.run(step).error
        assert (error and (error.kind, error.message)) == found, given


def test_nothing_outlives_a_lab_that_is_killed(bench: Bench) -> None:
    step_file = bench.root / "hang.py"
    bench.step(CHILDREN + "time.sleep(100)")
    (bench.root / "step0.py").rename(step_file)
    out = bench.out()
    script = _LAB.format(root=bench.root, tree=bench.work.worktree(bench.main), out=out)
    lab = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[3])
    until(lambda: command_runs(LEFT))
    os.kill(lab.pid, signal.SIGKILL)
    lab.wait()
    until(lambda: not command_runs(LEFT))


CORE_ANSWER = "PROMPT = 'x'\n\n\ndef answer():\n    return 'x'\n"
_LAB = """
from pathlib import Path
from adapters.step.python_target import PythonTarget
from prompt_lab.config.lab import StepConfig, TargetConfig
from prompt_lab.own_process import TargetLocation
from prompt_lab.ports import StepJob
root = Path("{root}")
config = StepConfig(name="s", adapter="python_target", target="t", prompt="p", primary="good",
                    file="hang.py")
step = PythonTarget(config, TargetLocation(TargetConfig(name="t", repository="r"), root, root))
step.execute(StepJob(Path("{tree}"), root / "plan", Path("{out}"), None, None))
"""
