"""The counters of history and analysis, claimed by many at once."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from prompt_lab.store.counters import claim_run_folder, iterations
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import irregular_analyses


def _claim_ten(root: Path) -> list[int]:
    return [claim_run_folder(Lab(root), "s")[0] for _ in range(10)]


def test_processes_never_share_a_run_folder(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        claimed = [n for part in pool.map(_claim_ten, [tmp_path] * 4) for n in part]
    assert sorted(claimed) == list(range(40))


def test_what_is_no_folder_of_an_iteration_does_not_count(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    (lab.analysis / "3_s").mkdir(parents=True)
    (lab.analysis / "20251120_copy").mkdir()
    (lab.analysis / "7old").mkdir()
    (lab.analysis / "99_notes.txt").write_text("Mine.")
    assert iterations(lab) == {3: "s"}
    assert [one.path for one in irregular_analyses(lab)][:2] == [
        "analysis/20251120_copy",
        "analysis/7old",
    ]


RACER = """
import sys
from pathlib import Path
from prompt_lab.store.counters import claim_run_folder
from prompt_lab.store.layout import Lab
lab = Lab(Path(sys.argv[1]))
print("ready", flush=True)
for _ in sys.stdin:
    print(claim_run_folder(lab, sys.argv[2])[0], flush=True)
"""


@pytest.mark.slow
def test_two_programs_started_at_one_moment_never_share_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "history/0/95_old").mkdir(parents=True)
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    racers = [
        subprocess.Popen(
            [*command, step], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for step in ("a", "b")
    ]
    claimed: list[int] = []
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for _ in range(10):
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go\n")
        claimed += [int(racer.stdout.readline()) for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate()
    assert sorted(claimed) == list(range(96, 116))
    names = {path.name for path in (tmp_path / "history/1").iterdir() if path.name[0] != "."}
    assert {name[:2] for name in names} == {f"{n:02d}" for n in range(16)}


def test_99_is_followed_by_1_00(tmp_path: Path) -> None:
    (tmp_path / "history/0/99_other").mkdir(parents=True)
    number, folder = claim_run_folder(Lab(tmp_path), "s")
    assert number == 100
    assert folder == tmp_path / "history/1/00_s"


def test_the_counter_goes_on_over_steps_and_stray_names(tmp_path: Path) -> None:
    for name in ("0/07_a", "0/08_b", "0/notes", "1", "junk"):
        (tmp_path / "history" / name).mkdir(parents=True)
    assert claim_run_folder(Lab(tmp_path), "a")[0] == 9


def test_iterations_are_numbered_over_all_steps(tmp_path: Path) -> None:
    for name in ("0_a", "10_b", "2_a", "best.json"):
        (tmp_path / "analysis" / name).mkdir(parents=True)
    assert iterations(Lab(tmp_path)) == {0: "a", 2: "a", 10: "b"}
