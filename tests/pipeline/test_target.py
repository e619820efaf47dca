"""Steps in the target's own process, through the whole DAG: what is evidence, and what is not."""

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from pytest_httpserver import HTTPServer

from pipeline.tasks.iteration import Iteration
from prompt_lab.errors import ConfigError, TargetError
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome
from tests.adapters.step.speaking import speak
from tests.pipeline.target_world import BETTER, CORE, DUMMY, TargetWorld

pytestmark = pytest.mark.slow
MakeTarget = Callable[..., TargetWorld]
MODULE = "src/planner/potential_levers.py"
ASK = "Answer with three or four levers"
TOPICS = ["kiln heat", "roof repair", "harbour boats", "legal form", "seed sharing", "night trains"]


def levers(names: list[str], options: int) -> str:
    found = [
        {
            "name": name,
            "consequences": f"{name} costs someone something.",
            "options": [f"{name} {way}" for way in ("now", "in a year", "never")[:options]],
            "review": f"{name} is thin.",
        }
        for name in names
    ]
    return json.dumps({"levers": found})


def obliging(system: str, user: str) -> str:
    """Other levers at each call, and more of them where the prompt asks for many."""
    known = sum(topic in user for topic in TOPICS)
    return levers(TOPICS[known : known + (2 if "many" in system else 1)], 3)


def test_an_iteration_of_the_planner_on_a_branch(
    make_target: MakeTarget, httpserver: HTTPServer
) -> None:
    urls = {name: speak(httpserver, obliging, f"/{name}/v1") for name in ("one", "two")}
    world = make_target(models={n: {**DUMMY, "base_url": url} for n, url in urls.items()}).planner()
    source = (world.target / MODULE).read_text()
    assert ASK in source
    commit = world.branch("many", {MODULE: source.replace(ASK, "Answer with many levers")})
    assert world.iterate(branch="many")
    runs = world.runs()
    assert len(runs) == 2 * 5 * 2
    assert {(run["status"], run["usage"]["calls"]) for run in runs} == {("ok", 3)}
    wanted = {(r["side"], r["sent"]["head"], r["sent"]["tree_clean"]) for r in runs}
    main = world.git("rev-parse", "main")
    assert wanted == {("baseline", main, True), ("candidate", commit, True)}
    assert {MODULE, "src/planner/models.py"} <= set(runs[0]["sent"]["files"])
    assert all(run["process"]["elsewhere"] == {} for run in runs)
    counted = json.loads(
        next(world.lab.glob("history/*/*/outputs/*/activity_overview.json")).read_text()
    )
    assert sum(model["input_tokens"] for model in counted["models"].values()) == 27
    verdict = world.verdict()
    assert (verdict.outcome, world.codes() & {"too_few_plans"}) == (
        Outcome.CONDITIONAL,
        {"too_few_plans"},
    )
    assert verdict.effect == pytest.approx(3 / 9)
    page = (world.folder / "report.html").read_text()
    assert "CONDITIONAL" in page
    assert "Answer with many levers" in page
    assert "import json" not in page  # the prompt is shown, not the module that holds it


def test_a_prompt_that_only_running_tells_is_evidence_too(make_target: MakeTarget) -> None:
    world = make_target().small()
    text = BETTER.replace("\n", ".replace('all', 'each')\n", 1)
    world.branch("computed", {"src/notes/core.py": text})
    assert world.iterate(branch="computed")
    assert world.verdict().outcome is not Outcome.INVALID


def test_a_file_that_only_the_runs_read_is_the_commit_s(make_target: MakeTarget) -> None:
    body = 'return {"readme": (Path(core.__file__).parents[2] / "README.md").read_text()}'
    world = make_target().small(body=body)
    world.branch("better", {"src/notes/core.py": BETTER})
    assert world.iterate(branch="better")
    assert all("README.md" in run["sent"]["files"] for run in world.runs())
    assert world.verdict().outcome is not Outcome.INVALID


def test_a_candidate_that_cannot_be_imported_loses(make_target: MakeTarget) -> None:
    world = make_target().small()
    world.branch("broken", {"src/notes/core.py": CORE + "import nothing_of_the_kind\n"})
    assert world.iterate(branch="broken")
    kinds = {(r["side"], (r["error"] or {}).get("kind")) for r in world.runs()}
    assert kinds == {("baseline", None), ("candidate", "import_failed")}
    assert world.verdict().outcome in (Outcome.NO, Outcome.CONDITIONAL)
    page = (world.folder / "assessment.md").read_text()
    assert "No module named 'nothing" in page.replace("\\", "")


@pytest.mark.parametrize(
    ("target", "step", "said"),
    [
        ({"interpreter": "no/python"}, {}, "no/python' cannot start"),
        ({"candidate_interpreter": "/bin/false"}, {}, "is no Python 3.8 or later"),
        ({}, {'"probe"': '"other"'}, "NAME is 'other'"),
        ({}, {"notes.core:PROMPT": "notes.core"}, "package.module:attribute"),
        ({}, {'("answer.txt",)': '("run.json",)'}, "holds 'run.json'"),
        ({}, {"def score": "import notes\n\n\ndef score"}, "inside execute()"),
    ],
)
def test_what_no_run_could_use_is_said_before_the_first(
    make_target: MakeTarget, target: dict[str, str], step: dict[str, str], said: str
) -> None:
    world = make_target(target_config=target).small()
    world.branch("better", {"src/notes/core.py": BETTER})
    file = world.root / "probe.py"
    whole = file.read_text()
    for old, new in step.items():
        file.write_text(whole.replace(old, new))
    with pytest.raises((ConfigError, TargetError), match=re.escape(said)):
        plan_iteration(Iteration(step=world.step, branch="better").experiment)
    assert not world.folder.exists()
    file.write_text(whole)  # the world's workers are ended by it


LOSES = {
    "outputs_missing": 'Path(out_dir, "answer.txt").unlink()',
    "score_failed": r'Path(out_dir, "answer.txt").write_bytes(b"\xff")',
}
"""What a step does to its output, by the kind of error that comes of it."""


@pytest.mark.parametrize("kind", LOSES)
def test_a_candidate_whose_output_is_lost_or_has_no_score_loses(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    world = make_target().small(body=f'if hasattr(core, "LOSES"):\n        {LOSES[kind]}')
    world.branch("worse", {"src/notes/core.py": CORE + "LOSES = 1\n"})
    assert world.iterate(branch="worse")
    kinds = {(r["side"], (r["error"] or {}).get("kind")) for r in world.runs()}
    assert kinds == {("baseline", None), ("candidate", kind)}
    assert world.verdict().outcome in (Outcome.NO, Outcome.CONDITIONAL)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("kind", LOSES)
def test_a_baseline_that_has_no_score_anywhere_is_a_crash(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str], kind: str
) -> None:
    world = make_target().small(body=f'if not hasattr(core, "WINS"):\n        {LOSES[kind]}')
    world.branch("better", {"src/notes/core.py": BETTER + "WINS = 1\n"})
    assert not world.iterate(branch="better")
    assert not (world.folder / "verdict.json").exists()
    said = capfd.readouterr().err
    assert "All 3 baseline runs failed in the step itself" in said
    assert kind in said
    assert "Traceback" not in said


def test_where_no_model_is_reached_there_is_no_verdict(make_target: MakeTarget) -> None:
    body = 'return {"error": {"kind": "unreachable", "message": "no model"}}'
    world = make_target().small(body=body)
    world.branch("better", {"src/notes/core.py": BETTER})
    assert not world.iterate(branch="better")
    assert world.runs() == []
    events = [p.read_text() for p in world.lab.glob("history/*/*/events.jsonl")]
    assert all("one: no model" in text for text in events)
    assert events
    assert not (world.folder / "verdict.json").exists()


def test_a_run_starts_once_the_target_is_imported(make_target: MakeTarget) -> None:
    """A target that takes long to import makes no run look long: its events come after it."""
    late = (
        "import datetime, time\n\ntime.sleep(1.5)\nIMPORTED = datetime.datetime.now().timestamp()\n"
    )
    world = make_target().small("return {'imported': core.IMPORTED}", plans=2)
    world.write(world.target, {"src/notes/core.py": late + CORE})
    world.git("commit", "-q", "-a", "-m", "Take long to import")
    world.branch("idea", {"src/notes/core.py": late + BETTER})
    assert world.iterate(branch="idea")
    runs = world.runs()
    assert len(runs) == 4
    for run in runs:
        started = datetime.fromisoformat(run["started"]).timestamp()
        # Records hold milliseconds.
        assert started >= run["process"]["said"]["imported"] - 0.001
        folder = world.run_folder(run).parent.parent
        rows = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
        [start] = [
            row["timestamp"]
            for row in rows
            if row["event"] == "run_single_plan_start" and row["plan_name"] == run["plan"]
        ]
        assert datetime.fromisoformat(start).timestamp() == started
