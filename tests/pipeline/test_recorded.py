"""Another lab's answers as recordings for the example planner."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import luigi
import pytest

from pipeline.tasks.iteration import Iteration
from pipeline.tasks.lab import RecordedLab
from pipeline.wiring import lab_context
from prompt_lab.records import RECORDED, RunRecord
from prompt_lab.store.layout import Lab

pytestmark = pytest.mark.slow
REAL = Path(__file__).parents[3] / "shared" / "data" / "planexe_lab"
CONFIGS = Path(__file__).parents[2] / "configs"
STEP, PLANS = "find_levers", ("bridge", "garden")
TOPICS = ["kiln heat", "roof repair", "harbour boats", "legal form", "seed sharing", "night trains"]
Run = Callable[..., bool]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path / "lab"))

    def made(task: luigi.Task) -> bool:
        try:
            return luigi.build([task], local_scheduler=True, log_level="ERROR")
        finally:
            lab_context().close_gateways()

    return made


def lever(name: str) -> dict[str, object]:
    texts = {"consequences": f"{name} costs someone something.", "review_lever": f"{name} is thin."}
    options = [f"{name} {way}" for way in ("now", "in a year", "never")]
    return {"name": name, **texts, "options": options}


def other_lab(root: Path) -> Lab:
    """Two run folders of one model: three calls each, and one plan that left no answer."""
    lab = Lab(root)
    for plan in PLANS:
        folder = lab.root / "baseline/train" / plan
        folder.mkdir(parents=True)
        for name in ("001-2-plan.txt", "002-6-identify_purpose.md"):
            (folder / name).write_text(f"{plan} {name}")
    for number, most in ((7, 1), (8, 2)):
        folder = lab.run_folder(number, STEP)
        for plan in PLANS:
            out = folder / "outputs" / plan
            out.mkdir(parents=True)
            if (number, plan) == (8, "garden"):
                continue
            said = [{"levers": [*map(lever, TOPICS[n : n + most])], "more": 1} for n in (0, 2, 4)]
            (out / "002-9_raw.json").write_text(json.dumps({"responses": said}))
            rows = [
                {"success": True, "model": "vendor:x", "duration_seconds": 2.5}
                | {"input_tokens": 100 + n, "output_tokens": 20}
                for n in range(3)
            ]
            (out / "usage_metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (folder / "meta.json").write_text(json.dumps({"step": STEP, "model": {"primary": "mini"}}))
    return lab


def test_an_iteration_on_another_lab_s_answers(run: Run, tmp_path: Path) -> None:
    other = other_lab(tmp_path / "other")
    task = RecordedLab(answers=str(other.root), before="7", after="8")
    assert run(task)
    assert task.complete()
    configs = tmp_path / "lab/lab.yaml"
    configs.write_text(configs.read_text().replace("mini", "openai-gpt-5-nano"))
    for side in ("baseline", "candidate"):
        folder = tmp_path / "lab/recordings" / side
        (folder / "mini").rename(folder / "openai-gpt-5-nano")
    assert run(Iteration(branch="free-openers"))
    paths = (tmp_path / "lab").glob("history/*/*/outputs/*/run.json")
    runs = [RunRecord.model_validate_json(path.read_text()) for path in paths]
    found = {(run.side.value, run.plan): run for run in runs}
    assert {key: run.status.value for key, run in found.items()} == {
        ("baseline", "bridge"): "ok",
        ("baseline", "garden"): "ok",
        ("candidate", "bridge"): "ok",
        ("candidate", "garden"): "error",
    }
    assert all(call.origin == RECORDED for run in runs for call in run.calls)
    before, after = (found[side, "bridge"] for side in ("baseline", "candidate"))
    assert (before.usage.input_tokens, before.usage.output_tokens) == (303, 60)
    assert after.scores["valid"] > before.scores["valid"] > 0


def test_configs_that_are_a_copy_use_shipped_step_files_policies_and_prompts(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy without these two folders, and without examples/ beside it."""
    configs = tmp_path / "mine/configs"
    shutil.copytree(CONFIGS, configs)
    for folder in ("policies", "prompts"):
        shutil.rmtree(configs / folder)
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(configs))
    assert run(RecordedLab(answers=str(other_lab(tmp_path / "other").root), before="7", after="8"))
    context = lab_context()
    assert context.configs == configs
    assert context.adapter("potential_levers").outputs
    assert context.policy("strict").name == "strict"
    assert context.files.prompt("llm_judge.txt").parent == CONFIGS / "prompts"


@pytest.mark.parametrize(
    ("before", "lost", "said"),
    [
        ("7", "001-2-plan.txt", "has no 001-2-plan.txt"),
        ("9", "", "holds the run folders 7 to 8"),
        ("x", "", "give run folders of history"),
    ],
)
def test_what_cannot_be_used_is_said(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, lost: str, said: str
) -> None:
    other = other_lab(tmp_path / "other")
    if lost:
        (other.root / "baseline/train/bridge" / lost).unlink()
    assert not run(RecordedLab(answers=str(other.root), before=before, after="8"))
    assert said in capsys.readouterr().err
    assert not (tmp_path / "lab/lab.yaml").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="no real lab beside the clone")
def test_seven_real_models_on_five_plans(run: Run, tmp_path: Path) -> None:
    assert run(RecordedLab(answers=str(REAL), before="182-188", after="189-195"))
    assert run(Iteration(branch="free-openers"))
    paths = (tmp_path / "lab").glob("history/*/*/outputs/*/run.json")
    runs = [RunRecord.model_validate_json(path.read_text()) for path in paths]
    assert len(runs) == 7 * 5 * 2
    lost = [(r.side.value, r.model, r.plan) for r in runs if r.error is not None]
    silo, clinic = "20250321_silo", "20260311_parasomnia_research_unit"
    assert [side for side, *_ in sorted(lost)] == ["baseline", "candidate"], (lost, silo, clinic)
    verdict = json.loads((tmp_path / "lab/analysis/1_potential_levers/verdict.json").read_text())
    assert verdict["outcome"] == "CONDITIONAL"
