"""A command prints its result each time it is given, or ends with an error that says why not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from luigi.retcodes import run_with_retcodes
from luigi.task_register import Register

from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import Replay
from pipeline.tasks.loop import Revert
from pipeline.tasks.noise_floor import NoiseFloor
from tests import warm_commands
from tests.pipeline.luigid import SETTINGS
from tests.pipeline.task.task_world import World as TaskWorld
from tests.pipeline.terminal import STOPPED, luigi
from tests.pipeline.world import REPOSITORY, World

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


def run_command(*words: str) -> int:
    """Run a command of luigi in this process. Returns its exit code."""
    with pytest.raises(SystemExit) as end:
        run_with_retcodes(["--module", "pipeline", *words])
    return int(str(end.value.code or 0))


@pytest.fixture
def judged(make_world: MakeWorld) -> World:
    """A world after one iteration."""
    world = make_world(train=6, verify=6)
    assert world.iterate()
    return world


def test_a_phase_of_its_own_says_which_file_it_wrote_and_that_it_is_there(
    make_world: MakeWorld,
) -> None:
    world = make_world(train=6, verify=6)
    first, second = (luigi(world, "Verdict", "--number", "1") for _ in range(2))
    path = str(world.folder(1) / "verdict.json")
    assert (first.code, second.code) == (0, 0)
    assert f"Verdict of iteration 1: wrote {path}" in first.out
    assert f"Verdict of iteration 1 was done: {path}" in second.out
    assert "Assessment of" not in first.out + second.out


def test_each_of_two_equal_commands_in_one_process_prints_its_result(
    judged: World, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        "Replay": "1 verdicts, computed again",
        "Ledger": "1 iteration",
        "Iteration --number 1": "Iteration 1  read_sum  YES",
        "Iteration --dry-run": "Dry run of iteration 2",
        "Compare --before 1 --after 2": "assessment.md",
        "NoiseFloor --dry-run": "Dry run of the noise floor",
        "NoiseFloor": "# Noise floor",
        "Revert --number 1": "Iteration 1 is reverted",
    }
    silent = []
    for words, text in expected.items():
        for time in ("first", "second"):
            code, said = run_command(*words.split()), capsys.readouterr()
            if code or text not in said.out:
                silent.append((words, time, code, said))
    assert not silent


def test_a_command_does_not_take_another_build_in_its_process_for_its_own(judged: World) -> None:
    assert run_command("Replay") == 0
    assert "1: identical (YES)" in luigi(judged, "Replay").out  # in a fork of this process


def test_a_noise_floor_is_measured_again_after_main_moved_in_the_same_process(
    judged: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("NoiseFloor") == 0
    judged.write(judged.target, {"README.md": "Another shop.\n"})
    judged.git("commit", "-q", "-am", "Theirs")
    assert run_command("NoiseFloor") == 0
    record = json.loads((judged.lab / "noise_floor/read_sum.json").read_text())
    assert record["asked"]["commit"] == judged.git("rev-parse", "main")


@pytest.mark.parametrize("command", ["RunTask", "Campaign --iterations 1"])
def test_a_task_given_twice_in_one_process_is_attempted_twice(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = TaskWorld(tmp_path, "twice")
    for attempt in (1, 2):
        run_command(*command.split(), "--task", str(world.file))
        record = json.loads(capsys.readouterr().out)
        assert record.get("attempt", record.get("attempts")) in (attempt, [attempt])


def to_closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def to_full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def test_what_cannot_be_printed_is_an_error(judged: World) -> None:
    wrong = []
    ways = product(("Ledger", "Iteration --number 1"), (to_closed_pipe, to_full_disk), ("1", "2"))
    for words, output, workers in ways:
        out = output()
        try:
            code, err = with_output(judged, [*words.split(), "--workers", workers], out)
        finally:
            os.close(out)
        is_one_message = (err.count(STOPPED), err.count("\n")) == (1, 3)
        if not code or not is_one_message or "Standard output cannot be written" not in err:
            wrong.append((words, output.__name__, workers, code, err))
    assert not wrong


def test_a_closed_standard_output_is_an_error(judged: World) -> None:
    program = f"{Path(sys.executable).with_name('luigi')} --module pipeline Ledger >&-"
    code, err = with_output(judged, ["-c", program], subprocess.DEVNULL, program="sh")
    assert (code, err.count(STOPPED)) == (30, 1), err
    assert "Standard output cannot be written: it is closed" in err


def with_output(
    world: World, words: list[str], out: Any, program: str | None = None
) -> tuple[int, str]:
    """A command whose standard output is `out`, buffered as it usually is."""
    env = {**os.environ, **world.env}
    env.pop("PYTHONUNBUFFERED", None)
    luigi_words = [str(warm_commands.BIN / "luigi"), "--module", "pipeline"]
    done = warm_commands.run(
        [*([program] if program else luigi_words), *words], cwd=REPOSITORY, env=env, stdout=out
    )
    return done.returncode, done.stderr


def test_a_luigid_keeps_no_command_from_printing(judged: World, port: int) -> None:
    """Given by three users at once, where luigid hands out each task to one process."""
    where = ("--scheduler-port", str(port))
    for words, text in (("Replay", "1: identical"), ("Iteration --dry-run", "Dry run of")):
        with ExitStack() as stack:
            processes = [
                stack.enter_context(judged.command(*words.split(), *where, env=SETTINGS))
                for _ in range(3)
            ]
            for process in processes:
                out, err = process.communicate()
                assert (process.returncode, text in out) == (0, True), err


def test_what_changes_the_lab_has_the_same_id_in_each_process(judged: World) -> None:
    """luigid hands it to one of them by this id."""

    def ids() -> list[str]:
        tasks = [Iteration(number=1), NoiseFloor(), Revert(number=1), Iteration(dry_run=True)]
        return [task.task_id for task in (*tasks, Replay())]

    here = ids()
    Register.clear_instance_cache()
    there = ids()
    assert here[:3] == there[:3]
    assert not set(here[3:]) & set(there[3:])
