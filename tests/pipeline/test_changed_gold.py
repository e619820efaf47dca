"""Gold that is corrected, and what a later trial may take over: answers, not scores."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.adapters.step.speaking import speak
from tests.pipeline.gold_steps import COMMAND_STEP, LUIGI_STEP, MAIN, WORK
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld
from tests.pipeline.terminal import luigi
from tests.pipeline.world import World

pytestmark = pytest.mark.slow
MakeTarget = Callable[..., TargetWorld]
MakeWorld = Callable[..., World]
SAME = {
    "src/notes/core.py": "# Nothing that is sent differs.\n" + BETTER.replace("List all of", "List")
}
BETTER_PROMPT = "List all of what matters."
ASK = """
    import json, urllib.request
    text = core.answer(Path(plan_dir, "note.txt").read_text())
    talk = [{"role": "system", "content": ""}, {"role": "user", "content": text}]
    said = json.dumps({"model": "x", "messages": talk}).encode()
    url = models[0]["base_url"] + "/chat/completions"
    head = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, said, head)).read()
    return {}""".strip()
GOLD_SCORE = """
def score(plan_dir, out_dir):
    wanted = Path({folder}, "wanted.txt").read_text()
    return {{"length": float(wanted in Path(out_dir, "answer.txt").read_text())}}
"""


def undeclared_gold(make_target: MakeTarget, body: str = "return {}", **more: Any) -> TargetWorld:
    """A step whose score() reads wanted.txt of the plan, which neither INPUTS nor OUTPUTS name."""
    world = make_target(**more).small(body=body)
    source = (world.root / "probe.py").read_text().partition("def score(")[0]
    (world.root / "probe.py").write_text(source + GOLD_SCORE.format(folder="plan_dir"))
    set_gold(world, "matters")
    world.branch("same", SAME)
    world.branch("other", {"src/notes/core.py": SAME["src/notes/core.py"] + "A = 1\n"})
    return world


def set_gold(world: TargetWorld, text: str, only: str = "*") -> None:
    for plan in (world.lab / "baseline").glob(f"*/{only}"):
        (plan / "wanted.txt").write_text(text)


def summary(world: TargetWorld, number: int, name: str = "runs_train") -> dict[str, Any]:
    path = world.lab / f"analysis/{number}_probe/{name}.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def verdict(world: TargetWorld, number: int) -> dict[str, Any]:
    return summary(world, number, "verdict")


def of_side(world: TargetWorld, number: int, side: str) -> list[dict[str, Any]]:
    return [r for r in world.runs() if r["iteration"] == number and r["side"] == side]


def test_undeclared_gold_that_was_corrected_scores_the_old_answers_again(
    make_target: MakeTarget,
) -> None:
    world = undeclared_gold(make_target)
    assert world.iterate(branch="same")
    before = {str(p): p.read_bytes() for p in world.lab.glob("history/*/*/outputs/*/*")}
    set_gold(world, "nothing like it")
    assert world.iterate(branch="other")
    assert (verdict(world, 1)["effect"], verdict(world, 2)["effect"]) == (0, 0)
    again = of_side(world, 2, "baseline")
    assert [run["primary"] for run in again] == [0.0] * 3
    sources = [json.loads((world.lab / r["rescored_from"] / "run.json").read_text()) for r in again]
    assert [s["primary"] for s in sources] == [1.0] * 3
    assert {s["plan"] for s in sources} == {"plan_0", "plan_1", "plan_2"}
    assert (summary(world, 2)["runs_rescored"], summary(world, 2)["runs_made"]) == (3, 3)
    assert "3 rescored" in (world.lab / "analysis/2_probe/summary.txt").read_text()
    assert {path: Path(path).read_bytes() for path in before} == before
    said = luigi(world, "Replay")
    assert said.code == 0, said.err
    assert (
        "1: identical (CONDITIONAL), with scores from before these plans were changed: " in said.out
    )
    assert "2: identical (CONDITIONAL)\n" in said.out


def test_gold_of_one_plan_scores_that_plan_again_and_reuses_the_others(
    make_target: MakeTarget,
) -> None:
    world = undeclared_gold(make_target)
    assert world.iterate(branch="same")
    set_gold(world, "nothing like it", only="plan_1")
    assert world.iterate(branch="other")
    assert [r["plan"] for r in of_side(world, 2, "baseline")] == ["plan_1"]
    assert (summary(world, 2)["runs_rescored"], summary(world, 2)["runs_reused"]) == (1, 2)
    set_gold(world, "matters", only="plan_1")
    world.branch("third", {"src/notes/core.py": SAME["src/notes/core.py"] + "A = 2\n"})
    assert world.iterate(branch="third")
    assert (summary(world, 3)["runs_rescored"], summary(world, 3)["runs_reused"]) == (0, 3)


@pytest.mark.parametrize(
    "reads",
    [
        'core.answer(Path(plan_dir, "wanted.txt").read_text())\n    return {}',
        'import subprocess\n    subprocess.run(["cat", plan_dir + "/wanted.txt"])\n    return {}',
    ],
    ids=["opened", "by a process"],
)
def test_a_file_that_execute_reads_too_makes_its_runs_again(
    make_target: MakeTarget, reads: str
) -> None:
    world = undeclared_gold(make_target, reads)
    assert world.iterate(branch="same")
    set_gold(world, "nothing like it")
    assert world.iterate(branch="other")
    assert (summary(world, 2)["runs_rescored"], summary(world, 2)["runs_made"]) == (0, 6)


def test_execute_is_not_given_gold(make_target: MakeTarget) -> None:
    listing = 'import os\n    return {"listed": os.listdir(plan_dir)}'
    world = undeclared_gold(make_target, listing)
    for plan in (world.lab / "baseline").glob("*/*"):
        (plan / "answer.txt").write_text("the right one")
    assert world.iterate(branch="same")
    assert {tuple(sorted(r["process"]["said"]["listed"])) for r in world.runs()} == {
        ("note.txt", "wanted.txt")
    }


def test_a_scorer_whose_own_code_changes_scores_old_answers_again(
    make_target: MakeTarget,
) -> None:
    world = undeclared_gold(make_target)
    assert world.iterate(branch="same")
    step = world.root / "probe.py"
    step.write_text(step.read_text().replace("float(wanted in", "float(wanted not in"))
    world.set_lab()
    assert world.iterate(branch="other")
    assert [run["primary"] for run in of_side(world, 2, "baseline")] == [0.0] * 3
    assert (summary(world, 2)["runs_rescored"], verdict(world, 2)["effect"]) == (3, 0)


def test_gold_outside_of_the_plan_is_reported_and_its_scores_are_not_reused(
    make_target: MakeTarget, capfd: pytest.CaptureFixture[str]
) -> None:
    world = undeclared_gold(make_target, target_config={"visible": ["../../elsewhere"]})
    elsewhere = world.root / "elsewhere"
    world.write(elsewhere, {"wanted.txt": "matters"})
    source = (world.root / "probe.py").read_text().partition("def score(")[0]
    score = GOLD_SCORE.format(folder=repr(str(elsewhere)))
    (world.root / "probe.py").write_text(source + score)
    assert world.iterate(branch="same")
    assert str(elsewhere / "wanted.txt") in capfd.readouterr().out
    assert summary(world, 1)["read_outside"] == [str(elsewhere / "wanted.txt")]
    world.write(elsewhere, {"wanted.txt": "nothing like it"})
    assert world.iterate(branch="other")
    assert [run["primary"] for run in of_side(world, 2, "baseline")] == [0.0] * 3
    assert (summary(world, 2)["runs_rescored"], verdict(world, 2)["effect"]) == (3, 0)


def test_an_answer_that_rests_on_a_file_outside_is_made_again(make_target: MakeTarget) -> None:
    elsewhere = "Path(__file__).parent.joinpath('elsewhere.txt').read_text()\n    return {}"
    world = make_target(target_config={"visible": ["../../elsewhere.txt"]}).small(body=elsewhere)
    (world.root / "elsewhere.txt").write_text("x")
    world.branch("same", SAME)
    world.branch("other", {"src/notes/core.py": SAME["src/notes/core.py"] + "A = 1\n"})
    assert world.iterate(branch="same")
    assert world.iterate(branch="other")
    assert (summary(world, 2)["runs_reused"], summary(world, 2)["runs_made"]) == (0, 6)


@pytest.mark.parametrize("kind", ["command", "luigi_task"])
@pytest.mark.parametrize("gold", ['GOLD = ("wanted.txt",)', ""])
def test_steps_that_are_no_function(make_target: MakeTarget, kind: str, gold: str) -> None:
    """What a command reads cannot be seen: without GOLD its answers are paid for again."""
    world = undeclared_gold(make_target, target_config={"packages": []})
    of_command = COMMAND_STEP.format(gold=gold).replace("{{", "{").replace("}}", "}")
    step = of_command if kind == "command" else LUIGI_STEP + gold + "\n"
    score = GOLD_SCORE.format(folder="plan_dir")
    (world.root / "probe.py").write_text(step + "\n" + score)
    config = world.root / "configs/steps/probe.yaml"
    config.write_text(config.read_text().replace("python_target", kind))
    world.write(world.target, {"src/notes/main.py": MAIN, "src/notes/work.py": WORK})
    world.git("add", "-A")
    world.git("commit", "-q", "-m", "Add entry points")
    for name in ("same", "other"):
        world.git("branch", "-D", name)
        world.branch(name, {"src/notes/core.py": SAME["src/notes/core.py"] + f"A = '{name}'\n"})
    world.set_lab()
    assert world.iterate(branch="same")
    set_gold(world, "nothing like it")
    assert world.iterate(branch="other")
    assert verdict(world, 2)["effect"] == 0
    wanted = 3 if gold or kind == "luigi_task" else 0
    assert summary(world, 2)["runs_rescored"] == wanted
    made = [run for run in of_side(world, 2, "baseline") if run["plan"] == "plan_0"]
    assert [(run["primary"], run["status"]) for run in made] == [(0.0, "ok")]


def test_gold_of_a_prompt_file_step_scores_old_answers_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.branch("a", {"prompt.txt": "Read the amount.\n[user]\n{invoice}\n"})
    world.branch("b", {"prompt.txt": "Read what is to pay.\n[user]\n{invoice}\n"})
    assert world.iterate(branch="a")
    for plan in (world.lab / "baseline/train").iterdir():
        amount = 9000 + int(plan.name[-3:])  # what the model reads: all of its answers are right
        (plan / "invoice.json").write_text(json.dumps({"amount": amount}))
    assert world.iterate(branch="b")
    found = world.record(2, "runs_train")
    assert (found["runs_rescored"], found["runs_reused"], found["calls_made"]) == (12, 0, 12)
    assert world.verdict(2).effect == 0
    assert "12 made, 0 reused, 12 rescored" in (world.folder(2) / "summary.txt").read_text()


def test_gold_that_is_corrected_and_put_back_within_a_trial_is_found(
    make_target: MakeTarget, httpserver: HTTPServer
) -> None:
    """The gold of two plans becomes another one while a single run of the candidate lasts."""

    def correct(_: str, prompt: str) -> str:
        if prompt == BETTER_PROMPT + "!":  # plan_1
            for plan in ("plan_0", "plan_1"):
                (world.lab / f"baseline/train/{plan}/wanted.txt").write_text("nothing like it")
        return "yes"

    model = {**DUMMY, "base_url": speak(httpserver, correct)}
    world = undeclared_gold(make_target, ASK, models={"one": model})
    world.branch("wild", {"src/notes/core.py": BETTER + "WILD = 1\n"})
    assert world.iterate(branch="wild")
    [reason] = [r for r in verdict(world, 1)["reasons"] if r["code"] == "other"]
    assert reason["facts"]["finding"] == "plans_changed"
    assert "plan_1" in reason["facts"]["plans"]
    set_gold(world, "matters")
    assert world.iterate(branch="same")
    assert all(r["primary"] == 1.0 for r in world.runs() if r["iteration"] == 2)
    kept = [r for r in world.runs() if r["iteration"] == 1 and not r["files_read"]["changed"]]
    assert kept
    assert summary(world, 2)["runs_reused"] + summary(world, 2)["runs_rescored"] > 0


def test_runs_of_an_earlier_version_are_not_reused_and_the_dry_run_says_so(
    make_target: MakeTarget,
) -> None:
    world = undeclared_gold(make_target)
    assert world.iterate(branch="same")
    path = world.lab / "history/reusable.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        del row["answer_key"]
        row["key"] = "of an earlier version"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = luigi(world, "Iteration", "--dry-run", "--branch", "other")
    assert said.code == 0, said.err
    assert said.out.count("Not reused: 6 finished runs of an earlier version") == 1
    assert world.iterate(branch="other")
    assert (summary(world, 2)["runs_reused"], summary(world, 2)["runs_rescored"]) == (0, 0)
