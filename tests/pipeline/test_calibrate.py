"""The calibration as tasks: resumed by cell, void for another engine, failing on a missed limit."""

import json
from collections.abc import Callable
from pathlib import Path

import luigi
import pytest

from pipeline.tasks.calibrate import Calibrate, CalibrateCell
from prompt_lab.config.models import ModelConfig
from prompt_lab.decide.calibrate.results import KINDS, PRODUCT, CellResult
from prompt_lab.errors import LabError
from prompt_lab.evaluate.batches import BatchRequest, NoEarlierRuns, plan_runs
from prompt_lab.experiments.calibrate import PROBE, LimitsMissed, engine, file_name
from prompt_lab.names import Side
from prompt_lab.store.files import read_record, write_record
from tests.pipeline.world import World

CELL = "graded, 5 plans, 7 models, alike 0.7, drift 30 points"
MakeWorld = Callable[..., World]


def _cell() -> CalibrateCell:
    return CalibrateCell(cell=CELL, quick=True)


def test_no_two_cells_share_a_file() -> None:
    assert len({file_name(name) for name in {**KINDS, **PRODUCT}}) == len(KINDS) + len(PRODUCT)


def test_the_engine_is_known_by_the_code_that_measures() -> None:
    assert engine() == engine()
    assert len(engine()) == 12


def test_a_quick_page_never_replaces_a_full_one(make_world: MakeWorld, tmp_path: Path) -> None:
    make_world()
    page = tmp_path / "calibration.md"
    page.write_text("Made by `make calibrate`:\n")
    with pytest.raises(LabError, match="the full run"):
        Calibrate(quick=True, docs=str(tmp_path))
    page.write_text("Made by `make calibrate QUICK=1`:\n")
    assert Calibrate(quick=True, docs=str(tmp_path)).goal == tmp_path
    assert Calibrate(quick=True).goal.parts[-2:] == ("calibration", "quick")
    assert Calibrate().goal.name == "docs"


def test_a_real_drift_test_asks_the_reused_baseline() -> None:
    assert PROBE.drifted([1.0] * 8, [0.0] * 8, 0.01)
    assert not PROBE.drifted([1.0] * 8, [0.0] * 8, 0.01 / 7)


class AllKnown(NoEarlierRuns):
    """Every run was made before."""

    def find_run(self, content_key: str, model: ModelConfig) -> str:
        return "at"


@pytest.mark.parametrize("plans", [200, 60, 20, 5])
def test_the_plans_probed_are_those_that_an_iteration_probes(plans: int) -> None:
    names = [f"plan_{n}" for n in range(plans)]
    request = BatchRequest(
        step="s",
        models=[ModelConfig(alias="warm", provider="scripted", id="w", deterministic=False)],
        plans={name: name for name in names},
        answer_inputs={name: name for name in names},
        sources={Side.BASELINE: {"p": "old"}, Side.CANDIDATE: {"p": "new"}},
        replicates=1,
        adapter_digest="a",
        answer_digest="a",
        drift_sample=PROBE.share,
    )
    runs = plan_runs(request, AllKnown())
    certain = {run.plan for run in runs if run.probe and not run.if_promising}
    wanted = zip(names, PROBE.certain(plans), strict=True)
    assert certain == {name for name, probed in wanted if probed}


@pytest.mark.slow
def test_a_cell_is_measured_once_for_each_engine(make_world: MakeWorld) -> None:
    make_world()
    task = _cell()
    assert luigi.build([task], local_scheduler=True, log_level="ERROR")
    path = Path(task.output().path)
    found = read_record(path, CellResult)
    assert found.measured is not None
    assert (found.measured.worlds, found.made.engine) == (2000, engine())
    assert task.complete()
    older = found.made.model_copy(update={"engine": "another"})
    write_record(path, found.model_copy(update={"made": older}))
    assert not task.complete()


@pytest.mark.slow
def test_a_missed_limit_fails_after_the_page_is_written(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    make_world()
    cell = _cell()
    assert luigi.build([cell], local_scheduler=True, log_level="ERROR")
    good = read_record(Path(cell.output().path), CellResult)
    assert good.measured is not None
    for name in KINDS:
        path = Path(CalibrateCell(cell=name, quick=True).output().path)
        seen = good.measured.model_copy(update={"cell": name, "kept": 90, "rate": 0.045})
        write_record(path, good.model_copy(update={"name": name, "measured": seen}))
    task = Calibrate(quick=True, rule=2, docs=str(tmp_path / "docs"))
    with pytest.raises(LimitsMissed, match="-5 points"):
        task.run()
    assert "do not hold" in (tmp_path / "docs/calibration-rule-2.md").read_text()
    assert not task.complete()
    assert json.loads(path.read_text())["name"] == list(KINDS)[-1]
