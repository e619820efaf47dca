"""ExampleLab: what is missing is copied, and what is there is left alone."""

import shutil
from pathlib import Path

import luigi
import pytest

from adapters.step.python_target import PythonTarget
from pipeline.tasks.lab import ExampleLab
from pipeline.wiring import lab_context

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("lost", ["baseline", "target", "example.txt"])
def test_what_is_missing_comes_back_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    lab = tmp_path / "lab"
    monkeypatch.setenv("PROMPTLAB_ROOT", str(lab))
    luigi.build([ExampleLab()], local_scheduler=True, log_level="ERROR")
    prompt = next((lab / "target").rglob("*.txt")).relative_to(lab)
    plan = next((lab / "baseline/train").glob("*/*.txt")).relative_to(lab)
    mine = {name: f"mine: {name}\n" for name in (str(prompt), str(plan), "example.txt")}
    for name, text in mine.items():
        (lab / name).write_text(text)
    assert ExampleLab().complete()
    gone = lab / lost
    gone.unlink() if gone.is_file() else shutil.rmtree(gone)
    assert not ExampleLab().complete()
    assert luigi.build([ExampleLab()], local_scheduler=True, log_level="ERROR")
    assert ExampleLab().complete()
    for name, text in mine.items():
        assert ((lab / name).read_text() == text) == (not name.startswith(lost))


def test_a_lab_that_is_there_is_said_and_no_other_example_goes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path / "lab"))
    assert luigi.build([ExampleLab()], local_scheduler=True, log_level="ERROR")
    assert luigi.build([ExampleLab()], local_scheduler=True, log_level="ERROR")
    assert "examples/invoices exists, not changed" in capsys.readouterr().out
    planner = [ExampleLab(example="planner")]
    assert not luigi.build(planner, local_scheduler=True, log_level="ERROR")
    assert (tmp_path / "lab/example.txt").read_text() == "copied from examples/invoices\n"


def test_the_planner_has_a_lab_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = tmp_path / "lab"
    monkeypatch.setenv("PROMPTLAB_ROOT", str(lab))
    task = ExampleLab(example="planner")
    assert luigi.build([task], local_scheduler=True, log_level="ERROR")
    assert {"baseline", "target"} < {path.name for path in lab.iterdir()}
    assert not (lab / "steps").exists()  # what scores a target does not lie beside it
    ctx = lab_context()
    adapter, planner = ctx.adapter("potential_levers"), ctx.workspace("planner")
    assert isinstance(adapter, PythonTarget)
    main = planner.resolve("main")
    assert adapter.prompt_in(planner.read(main, adapter.sources[0]))
    assert set(adapter.inputs) <= {p.name for p in lab.glob("baseline/train/*/*")}
    assert not [p for p in adapter.sources_in(planner.worktree(main)) if "__pycache__" in p]
