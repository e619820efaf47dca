"""The example planner in its own process: three calls, what is lost and what is not, its score."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from adapters.step.python_target import PythonTarget
from adapters.workspace.git import GitWorkspace
from prompt_lab.config.base import load_named
from prompt_lab.config.lab import StepConfig, TargetConfig
from prompt_lab.evaluate.answers import text_sha256
from prompt_lab.own_process import ModelUrl, TargetLocation
from prompt_lab.ports import Answer, Request, StepJob
from prompt_lab.step_results import StepResult
from tests.adapters.step.speaking import Behaviour, speak
from tests.adapters.workspace.target import Target

ROOT = Path(__file__).parents[2]
PLANS = ROOT / "examples/planner/baseline"
PLAN = PLANS / "train/20260401_tool_library"
MODULE = "src/planner/potential_levers.py"
NAMES = ["Where to open", "Who tests plugs", "Fee per year", "Market weekends", "Which tools first"]

pytestmark = pytest.mark.slow


class Planner:
    """The example's target as a repository, and its step; one worker serves all tests."""

    def __init__(self, root: Path) -> None:
        target = Target(root / "target")
        shutil.copytree(ROOT / "examples/planner/target", target.folder, dirs_exist_ok=True)
        self.commit = target.commit({})
        self.work = GitWorkspace(target.folder, root / "work", "main")
        self.step = self.made("potential_levers")

    def made(self, name: str) -> PythonTarget:
        config = load_named(ROOT / "configs/steps", StepConfig, "step", name)
        described = load_named(ROOT / "configs/targets", TargetConfig, "target", "planner")
        return PythonTarget(config, TargetLocation(described, ROOT, ROOT))

    def run(self, out: Path, models: tuple[ModelUrl, ...]) -> StepResult:
        tree = self.work.worktree(self.commit)
        return self.step.execute(StepJob(tree, PLAN, out, ask=_never, seed=None, models=models))


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    made = Planner(tmp_path_factory.mktemp("planner"))
    yield made
    made.step.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def lever(name: str, **more: Any) -> dict[str, Any]:
    """One lever as a model may answer it; names differ enough to be other levers."""
    options = [f"{name} {way}, as {name} does" for way in ("now", "in a year", "never")]
    texts = {"consequences": f"{name} costs someone something.", "review": f"{name} is thin."}
    return {"name": name, **texts, "options": options, **more}


def answer(*levers: dict[str, Any]) -> str:
    return json.dumps({"levers": list(levers)})


def told(*answers: str | int) -> Behaviour:
    """The given answers, one a call."""
    waiting = iter(answers)
    return lambda system, user: next(waiting)


def at(url: str, name: str = "m") -> ModelUrl:
    return ModelUrl(name=name, base_url=url, model=name)


def clean(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "002-10-potential_levers.json").read_text())
    return found


GOOD = answer(*map(lever, NAMES[:3]))
TRUNCATED = GOOD[: len(GOOD) // 2]
TWO_OPTIONS = answer(lever(NAMES[4], options=["One way.", "Another."]))


def test_three_calls_each_for_other_levers(
    planner: Planner, out: Path, httpserver: HTTPServer
) -> None:
    asked: list[tuple[str, str]] = []

    def behaviour(system: str, user: str) -> str:
        asked.append((system, user))
        return answer(lever(f"{NAMES[len(asked)]} {len(asked)}"))

    result = planner.run(out, (at(speak(httpserver, behaviour)),))
    assert result.error is None
    raw = json.loads((out / "002-9-potential_levers_raw.json").read_text())
    assert raw["metadata"]["faults"] == []
    assert len(asked) == 3
    assert f"{NAMES[1]} 1; {NAMES[2]} 2" in asked[2][1]
    assert "fire station" in asked[0][1]
    assert [found["lever_id"] for found in clean(out)] == ["L01", "L02", "L03"]
    assert raw["system_prompt"] == asked[0][0]
    assert len(raw["responses"]) == 3
    # What it wrote under names that are ours is not taken: the gateway counts its calls.
    assert not (out / "activity_overview.json").exists()


def test_the_evidence_of_a_run_is_what_git_says(
    planner: Planner, out: Path, httpserver: HTTPServer
) -> None:
    result = planner.run(out, (at(speak(httpserver, told(GOOD, GOOD, GOOD))),))
    assert {MODULE, "src/planner/models.py", "src/planner/usage.py"} <= set(result.files)
    for path, blob in result.files.items():
        assert planner.work.blob(planner.commit, path) == blob
    prompt = planner.step.prompt_in(planner.work.read(planner.commit, MODULE))
    assert prompt is not None
    assert result.prompt_sha256 == text_sha256(prompt)


@pytest.mark.parametrize(
    ("answers", "succeeded"),
    [
        ((GOOD, TRUNCATED, GOOD), 2),
        ((TWO_OPTIONS, GOOD, GOOD), 2),
        ((500, 500, GOOD), 1),
        ((TRUNCATED, TWO_OPTIONS, "no JSON at all"), 0),
    ],
    ids=["a truncated answer", "two options", "two dead calls", "no good answer"],
)
def test_a_call_that_fails_does_not_lose_the_others(
    planner: Planner, out: Path, httpserver: HTTPServer, answers: tuple[str, ...], succeeded: int
) -> None:
    result = planner.run(out, (at(speak(httpserver, told(*answers))),))
    assert result.process is not None
    assert result.process.said["calls_succeeded"] == succeeded
    if succeeded:
        assert result.error is None
        assert len(clean(out)) == 3 * succeeded
        assert len(result.process.said["faults"]) == 3 - succeeded
    else:
        assert result.error is not None
        assert result.error.kind == "invalid_answer"
        assert "Invalid JSON" in result.error.message


def test_where_the_first_model_is_dead_the_second_answers(
    planner: Planner, out: Path, httpserver: HTTPServer
) -> None:
    """Both lie behind one address, as behind the gateway."""
    dead = at(speak(httpserver, lambda *_: 500, "/dead/v1"), "dead")
    alive = at(speak(httpserver, told(GOOD, GOOD, GOOD)), "alive")
    result = planner.run(out, (dead, alive))
    assert result.error is None
    assert result.process is not None
    assert result.process.said["answered_by"] == ["alive"] * 3
    assert result.process.said["calls"] == 6


def test_where_all_models_are_dead_the_run_says_so(planner: Planner, out: Path) -> None:
    result = planner.run(out, (at("http://127.0.0.1:9/v1", "one"), at("http://127.0.0.1:9/v1")))
    assert result.error is not None
    assert result.error.kind == "unreachable"
    assert not (out / "002-10-potential_levers.json").exists()


LEVERS = [
    lever(name)
    for name in (
        *("kiln temperature", "roof repair", "membership fees", "harbour boats"),
        *("night opening", "seed sharing", "legal form", "minibus route"),
    )
]


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, {}),
        ({"review": ""}, {"valid": 1}),
        ({"name": "[name of the lever]"}, {"valid": 1}),
        ({"options": ["a", "b"]}, {"three_options": 1}),
        ({"options": ["a", "b", "B"]}, {"three_options": 1}),
        ({"options": None}, {"three_options": 1}),
        ({**lever("roof repair"), "review": "Another weak spot."}, {"distinct": 1}),
    ],
    ids=["none", "no review", "a blank", "two", "an option twice", "no list", "a duplicate"],
)
def test_the_score_names_what_a_lever_lacks(
    planner: Planner, out: Path, change: dict[str, Any], lost: dict[str, int]
) -> None:
    levers = [*LEVERS, {**lever("choir programme"), **change}]
    (out / "002-10-potential_levers.json").write_text(json.dumps(levers))
    parts = planner.step.score(PLAN, out)
    for name, share in parts.items():
        missing = sum(lost.values()) if name == "good" else lost.get(name, 0)
        assert share == pytest.approx((9 - missing) / 9), name


@pytest.mark.parametrize(
    ("reviews", "free"),
    [
        (["The options overlook frost."] * 5 + ["Frost is overlooked."] * 4, 4),
        (["The options overlook frost."] * 4 + ["Frost is overlooked."] * 4 + ["Cold comes."], 9),
        (["这个选项忽略了冬天。"] * 6 + ["冬天被忽略了。"] * 3, 3),
    ],
)
def test_an_opener_that_most_reviews_share_is_locked(
    planner: Planner, out: Path, reviews: list[str], free: int
) -> None:
    nine = [*LEVERS, lever("choir programme")]
    levers = [{**one, "review": text} for one, text in zip(nine, reviews, strict=True)]
    (out / "002-10-potential_levers.json").write_text(json.dumps(levers))
    assert planner.step.score(PLAN, out)["free_opener"] == pytest.approx(free / 9)


@pytest.mark.parametrize("text", ["", "[", "[]", '[1, "x"]'])
def test_what_holds_no_lever_scores_nothing(planner: Planner, out: Path, text: str) -> None:
    (out / "002-10-potential_levers.json").write_text(text)
    assert set(planner.step.score(PLAN, out).values()) == {0.0}


def test_fewer_levers_are_no_better_share(planner: Planner, out: Path) -> None:
    (out / "002-10-potential_levers.json").write_text(json.dumps(LEVERS[:3]))
    assert planner.step.score(PLAN, out)["good"] == pytest.approx(3 / 9)


def test_there_are_five_plans_a_split_and_three_of_ten_not_in_english() -> None:
    plans = {s: [p.name for p in sorted((PLANS / s).iterdir())] for s in ("train", "verify")}
    assert {split: len(found) for split, found in plans.items()} == {"train": 5, "verify": 5}
    assert not set(plans["train"]) & set(plans["verify"])
    texts = [path.read_text("utf-8") for path in PLANS.glob("*/*/001-2-plan.txt")]
    assert sum(" the " not in text for text in texts) == 3
    assert all((p.parent / "002-6-identify_purpose.md").is_file() for p in PLANS.glob("*/*/001*"))
    assert len(set(texts)) == 10


def _never(request: Request) -> Answer:
    raise AssertionError(f"asked in our process: {request!r}")
