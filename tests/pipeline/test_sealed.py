"""Sealed plans decide: the screening before, what is shown of them, and how they are revealed."""

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from pipeline.cli.app import main as prompt_lab
from pipeline.wiring import lab_context
from prompt_lab.decide.verdict import Verdict
from prompt_lab.errors import StoreError
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.lab_handle import LabHandle
from prompt_lab.experiments.revealed_plans import check_sealed
from prompt_lab.names import Outcome
from prompt_lab.report.words import points
from prompt_lab.store.sealed import SEALED_VERDICT, holds_figures
from tests.pipeline.model_server import ModelServer
from tests.pipeline.terminal import forked, luigi
from tests.pipeline.test_bad_input import TASK, stops
from tests.pipeline.test_judging import SEES_RIGHT, step
from tests.pipeline.world import HINT, NUMBER, PLAIN, READS_FIRST, READS_WELL, World, scripted

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
SEALED: dict[str, Any] = {
    **{"rule_version": 3, "mode": "sequential", "looks": 3, "gamma": -2, "verify": "off"},
    **{"max_plans": 200, "simpler_margin": None},
    "ledger": {"control": "planned", "budget": 0.04, "iterations": 18},
}
_TIMES = re.compile(
    r'"\w*(?:seconds|duration|started|ended|timestamp|created|when)\w*": ?"?[^,"}\s]+'
    r"|\d+(?:\.\d+)? ?(?:ms|s|seconds|minutes|min|hours)\b|\d{4}-\d\d-\d\dT[\d:.]+Z"
)
BETTER = PLAIN.replace("amount.", f"amount. {HINT}")
IDLE = PLAIN + "\nPlease.\n"


@pytest.fixture
def make_sealed(make_world: MakeWorld) -> MakeWorld:
    """Make a world whose sealed plans decide."""

    def make(**given: Any) -> World:
        policy = {**SEALED, **given.pop("policy", {})}
        return make_world(**{"train": 10, "verify": 30, "policy": policy, **given})

    return make


def plans_run(world: World, split: str) -> list[str]:
    """The plans of a split that have runs, once each."""
    found = world.lab.glob(f"history/*/*/outputs/plan_{split}_*/run.json")
    return sorted({path.parent.name for path in found})


def confirmations(world: World) -> list[int]:
    """The iterations that the error budget counts."""
    assert world
    ctx = lab_context()
    found = uses(ctx, "read_sum", ctx.policy("default"), before=99)
    return [use.iteration for use in found if use.kind == "trial"]


def test_a_better_candidate_is_screened_on_train_and_confirmed_on_sealed_plans(
    make_sealed: MakeWorld,
) -> None:
    world = make_sealed()
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.rule_version) == (Outcome.YES, 3)
    assert verdict.screening is not None
    assert verdict.screening.passed
    assert verdict.screening.n_plans == 10
    assert HINT in world.git("show", "main:prompt.txt")
    assert len(plans_run(world, "train")) == 10
    runs = world.record(1, "runs_verify")
    assert len(plans_run(world, "verify")) == len(runs["plans"]) < 30
    assert (runs["looks"], runs["rule_version"]) == (3, 3)
    assert confirmations(world) == [1]
    assert luigi(world, "Replay").code == 0


def test_a_useless_candidate_is_screened_out_and_spends_nothing(make_sealed: MakeWorld) -> None:
    world = make_sealed(models={"m": scripted(READS_FIRST)})
    world.branch("idle", {"prompt.txt": IDLE})
    assert world.iterate(branch="idle")
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.NO, "screened_out")
    assert world.record(1, "conclusion")["action"] == "closed"
    assert plans_run(world, "verify") == []
    assert confirmations(world) == []
    summary = (world.folder(1) / "summary.txt").read_text()
    assert "No confirmation was used: 18 confirmations of this policy are left." in summary
    assert luigi(world, "Replay").code == 0


def test_what_the_train_plans_alone_show_is_not_merged(make_sealed: MakeWorld) -> None:
    """A candidate tuned on what its author read passes the screening, and ends with NO."""
    tuned = {
        "rules": [
            {
                "when": ["shop train", HINT],
                "answer": '{"amount": {1}}',
                "answer_regex": r"\d+\.?\d*",
            },
            {"answer": '{"amount": {0}}', "answer_regex": r"\d+\.?\d*"},
        ]
    }
    world = make_sealed(models={"tuned": scripted(tuned)})
    world.branch("tuned", {"prompt.txt": BETTER})
    main = world.git("rev-parse", "main")
    assert world.iterate(branch="tuned")
    verdict = world.verdict(1)
    assert verdict.screening is not None
    assert verdict.screening.passed
    assert verdict.outcome is Outcome.NO
    assert world.git("rev-parse", "main") == main
    assert confirmations(world) == [1]


def test_too_few_sealed_plans_screen_and_end_conditional(make_sealed: MakeWorld) -> None:
    world = make_sealed(verify=6)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.reasons[0].code) == (
        Outcome.CONDITIONAL,
        "needs_verify_plans",
    )
    assert verdict.reasons[0].facts["given"] == "6"
    assert plans_run(world, "verify") == []
    assert confirmations(world) == []
    summary = (world.folder(1) / "summary.txt").read_text()
    assert "settle    Add verify plans" in summary


def test_a_lab_without_verify_plans_still_screens(make_sealed: MakeWorld) -> None:
    world = make_sealed(verify=1)
    shutil.rmtree(world.lab / "baseline/verify")
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).reasons[0].code == "needs_verify_plans"


def test_a_deterministic_model_gets_one_run_beside_replicates_of_one_that_samples(
    make_sealed: MakeWorld,
) -> None:
    with ModelServer() as server:
        models = {"exact": scripted(READS_WELL), "warm": server.config(deterministic=False)}
        world = make_sealed(models=models, verify=12, policy={"ledger": {"control": "fixed"}})
        world.branch("better", {"prompt.txt": BETTER})
        assert world.iterate(branch="better")
    made = world.record(1, "batch_verify")["runs"]
    replicates: dict[str, set[int]] = {run["model"]: set() for run in made}
    for run in made:
        replicates[run["model"]].add(run["replicate"])
    assert replicates == {"exact": {0}, "warm": {0, 1, 2}}
    assert luigi(world, "Replay").code == 0


@pytest.fixture
def confirmed(make_sealed: MakeWorld) -> World:
    """A lab with a confirmed candidate whose sealed scores are numbers that nothing else shows."""
    world = make_sealed()
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    return world


def test_reveal_shows_the_figures_after_a_warning_and_ends_the_use_of_the_plans(
    confirmed: World,
) -> None:
    refused = luigi(confirmed, "Reveal", "--number", "1")
    stops(refused, TASK, "confirm no undecided candidate", "--yes")
    assert not (confirmed.folder(1) / "revealed.json").exists()
    shown = luigi(confirmed, "Reveal", "--number", "1", "--yes")
    assert shown.code == 0, shown.err
    assert "screening +100.0 points" in shown.out
    assert "effect    +100.0 points" in shown.out
    assert "Verify plans" in (confirmed.folder(1) / "report.html").read_text()
    confirmed.branch("other", {"prompt.txt": BETTER + "Please.\n"})
    stops(
        luigi(confirmed, "Iteration", "--branch", "other"),
        TASK,
        "were revealed by `prompt-lab reveal` of iteration 1",
        "baseline/verify",
    )
    assert not confirmed.folder(2).exists()
    for folder in (confirmed.lab / "baseline/verify").iterdir():  # a new name is no way around
        folder.rename(folder.with_name(f"new_{folder.name}"))
    said = luigi(confirmed, "Iteration", "--branch", "other", "--dry-run")
    stops(said, TASK, "were revealed by `prompt-lab reveal` of iteration 1")
    for folder in (confirmed.lab / "baseline/verify").iterdir():
        folder.rename(folder.with_name(folder.name.removeprefix("new_")))
    assert luigi(confirmed, "Replay").code == 0
    sealed = json.loads((confirmed.folder(1) / SEALED_VERDICT).read_text())
    assert sealed["fingerprint"] != confirmed.verdict(1).fingerprint


def test_there_is_nothing_to_reveal_of_a_screening(make_sealed: MakeWorld) -> None:
    world = make_sealed(models={"m": scripted(READS_FIRST)})
    world.branch("idle", {"prompt.txt": IDLE})
    assert world.iterate(branch="idle")
    stops(luigi(world, "Reveal", "--number", "1", "--yes"), TASK, "no sealed figures to reveal")
    stops(luigi(world, "Reveal", "--number", "7", "--yes"), TASK, "there is no iteration 7")


def texts_shown(world: World, said: str) -> dict[str, str]:
    """Everything that a person or a program is shown without a reveal, by where it is."""
    found = {"terminal": said}
    for pattern in ("index.html", "pulls/*", "analysis/*/*", "instructions/*", "front/*"):
        for path in world.lab.glob(pattern):
            if not holds_figures(path.name):
                found[str(path.relative_to(world.lab))] = path.read_text()
    for command in (["ledger"], ["iterate", "--number", "1"], ["replay"]):
        done = forked(world, partial(prompt_lab, [*command, "--json"]), {})
        assert done.code == 0, done.err
        found[" ".join(command)] = done.out + done.err
    handle = LabHandle(lab_context())
    listed = (handle.list_verdicts(), handle.list_rows(), handle.list_iterations())
    found["api"] = json.dumps(listed) + handle.read_verdict(1).model_dump_json()
    return found


def is_figure_of(number: str, text: str) -> bool:
    """Whether the number stands in the text, but for times, which may be any number."""
    timeless = _TIMES.sub("", text)
    return re.search(rf"(?<![\d.]){re.escape(number)}", timeless) is not None


def sealed_numbers(verdict: Verdict) -> set[str]:
    """Figures of the sealed plans as pages, messages and JSON write them."""
    assert verdict.interval is not None
    values = (verdict.effect, verdict.interval.low, verdict.interval.high, verdict.claimed)
    numbers = [value for value in values if value not in (None, 1.0, 0.0)]
    shown = {points(value) for value in numbers} | {f"{value:.5f}"[:-1] for value in numbers}
    return shown | {f"{verdict.p_value:.3g}", f"{verdict.p_value:.2g}", verdict.fingerprint[:16]}


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [(Outcome.YES, (3, 17)), (Outcome.NO, tuple(n for n in range(36) if n % 12))],
)
def test_no_figure_of_sealed_plans_is_shown_before_it_is_revealed(
    make_sealed: MakeWorld, outcome: Outcome, wrong: tuple[int, ...]
) -> None:
    rules = [
        {
            "when": [HINT, f"Invoice {9000 + n} of shop verify"],
            "answer": '{"amount": {0}}',
            "answer_regex": NUMBER,
        }
        for n in wrong
    ]
    script = {"rules": [*rules, *READS_WELL["rules"]]}
    world = make_sealed(models={"m": scripted(script)}, verify=36)
    world.branch("better", {"prompt.txt": BETTER})
    said = luigi(world, "Iteration", "--branch", "better")
    assert said.code == 0, said.err
    whole = Verdict.model_validate_json((world.folder(1) / SEALED_VERDICT).read_text())
    assert whole.outcome is world.verdict(1).outcome is outcome
    assert whole.effect not in (None, 0.0, 1.0)
    hidden = sealed_numbers(whole)
    for where, text in texts_shown(world, said.out + said.err).items():
        assert [number for number in sorted(hidden) if is_figure_of(number, text)] == [], where
        if where.endswith((".html", ".md", ".txt", "terminal")) or where.startswith("pulls"):
            assert "plan_verify_" not in text, where
    shown = luigi(world, "Reveal", "--number", "1", "--yes")
    assert points(whole.effect) in shown.out


def test_a_dry_run_says_how_likely_a_yes_is_under_each_policy(make_sealed: MakeWorld) -> None:
    world = make_sealed()
    world.branch("better", {"prompt.txt": BETTER})
    said = luigi(world, "Iteration", "--branch", "better", "--dry-run")
    assert said.code == 0, said.err
    assert "train, the screening, 10 plans" in said.out
    assert "verify, sealed, if it passes, 30 plans" in said.out
    assert "At most 80 calls" in said.out
    rows = [line.rsplit(maxsplit=4) for line in said.out.splitlines() if line.endswith("%")]
    shown = {row[0].strip(): [int(cell[:-1]) for cell in row[1:]] for row in rows}
    saving = ["simpler, if shorter", "cheaper, if cheaper"]
    assert set(shown) == {"default", "strict", "no-harm", *saving}
    assert list(shown)[-2:] == sorted(saving)
    assert all(chances == sorted(chances) and len(chances) == 4 for chances in shown.values())
    assert not (world.lab / "analysis").exists()
    shutil.rmtree(world.lab / "baseline/verify")
    said = luigi(world, "Iteration", "--branch", "better", "--dry-run")
    assert "takes 9 verify plans" in said.out
    assert "add plans first" in said.out


def test_a_data_set_given_whole_is_split_by_a_seed(make_sealed: MakeWorld) -> None:
    world = make_sealed()
    baseline, whole = world.lab / "baseline", world.root / "whole"
    baseline.rename(world.root / "old")
    for split in ("train", "verify"):
        shutil.copytree(world.root / "old" / split, whole, dirs_exist_ok=True)
    for _ in range(2):  # the second command changes nothing
        said = luigi(world, "SplitPlans", "--folder", str(whole))
        assert said.code == 0, said.err
        assert "10 train plans, 30 verify plans, by seed 0" in said.out
    names = {split: {p.name for p in (baseline / split).iterdir()} for split in ("train", "verify")}
    assert names["train"].isdisjoint(names["verify"])
    assert len(names["train"] | names["verify"]) == 40
    assert any("verify" in name for name in names["train"])
    stops(
        luigi(world, "SplitPlans", "--folder", str(whole), "--seed", "5"), TASK, "is there already"
    )
    stops(luigi(world, "SplitPlans", "--folder", str(world.root / "no")), TASK, "holds no plans")


def test_an_open_iteration_counts_until_it_ends_by_screening(make_sealed: MakeWorld) -> None:
    world = make_sealed(models={"m": scripted(READS_FIRST)})
    world.branch("idle", {"prompt.txt": IDLE})
    assert luigi(world, "Runs", "--branch", "idle").code == 0
    assert confirmations(world) == [1]
    assert luigi(world, "Iteration", "--branch", "idle").code == 0
    assert confirmations(world) == []
    world.branch("other", {"prompt.txt": IDLE + "Thanks.\n"})
    assert luigi(world, "Runs", "--branch", "other").code == 0
    assert luigi(world, "GiveUp", "--number", "2").code == 0
    assert confirmations(world) == []


def test_plans_that_are_added_let_the_same_commit_be_confirmed(make_sealed: MakeWorld) -> None:
    world = make_sealed(verify=20)
    kept = world.root / "kept"
    for number in range(6, 20):
        name = f"plan_verify_{number:03d}"
        shutil.copytree(world.lab / "baseline/verify" / name, kept / name)
        shutil.rmtree(world.lab / "baseline/verify" / name)
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    assert world.verdict(1).reasons[0].code == "needs_verify_plans"
    stops(luigi(world, "Iteration", "--branch", "better"), TASK, "Add verify plans")
    shutil.copytree(kept, world.lab / "baseline/verify", dirs_exist_ok=True)
    assert world.iterate(branch="better")
    assert world.verdict(2).outcome is Outcome.YES
    assert world.verdict(2).follow_up_of == 1
    assert world.record(2, "runs_train")["calls_made"] == 0
    assert confirmations(world) == [2]


def test_plans_revealed_meanwhile_confirm_no_open_iteration(confirmed: World) -> None:
    confirmed.branch("other", {"prompt.txt": BETTER + "Please.\n"})
    assert luigi(confirmed, "Runs", "--branch", "other").code == 0
    experiment = Experiment(lab_context(), "read_sum", 2)
    check_sealed(experiment)
    assert luigi(confirmed, "Reveal", "--number", "1", "--yes").code == 0
    with pytest.raises(StoreError, match=r"revealed .* GiveUp --number 2"):
        check_sealed(experiment)


def test_a_judge_screens_and_confirms(make_sealed: MakeWorld) -> None:
    world = make_sealed(step=step(), judges={"wise": SEES_RIGHT})
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    verdict = world.verdict(1)
    assert verdict.outcome is Outcome.YES
    assert verdict.screening is not None
    assert verdict.screening.n_pairs == 10
    assert "of 10 pairs" in verdict.reasons[-1].text  # nothing of the sealed ones
    assert world.record(1, "runs_verify")["judge_calls"] > 0
    assert luigi(world, "Replay").code == 0


def test_merges_are_compared_with_the_first_prompt_on_train_plans(make_sealed: MakeWorld) -> None:
    world = make_sealed(policy={"ledger": {"control": "fixed", "origin_every": 1}})
    world.branch("better", {"prompt.txt": BETTER})
    assert world.iterate(branch="better")
    record = world.record(1, "since_start")
    assert (record["merges"], record["added"], record["verdict"]["effect"]) == (1, 1.0, 1.0)
    assert len(plans_run(world, "train")) == 10
