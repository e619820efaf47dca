"""Steps whose answers a judge compares: what it may decide, what it is asked, what it costs."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.names import Outcome
from prompt_lab.store.files import read_rows
from tests.pipeline.terminal import luigi
from tests.pipeline.test_bad_input import PARSE, TASK, stops
from tests.pipeline.world import HINT, PLAIN, READS_FIRST, READS_WELL, World, scripted
from tests.processes import HANG_SECONDS, until

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]
SUM = r'ANSWER (FIRST|SECOND) \w+ -----\s*\{\s*"amount": \d{1,2}\.5'
NUMBER = r'ANSWER (FIRST|SECOND) \w+ -----\s*\{\s*"amount": 9\d{3}\b'
"""The place of the answer that names the sum to pay, and of the one that names the number."""


def picks(place: str, **more: Any) -> dict[str, Any]:
    """A judge that prefers the answer in that place."""
    rule = {"answer": "It stands there.\nverdict: {0}", "answer_regex": place}
    return scripted({"rules": [rule], **more}, id="judge", price={"input": 1.0, "output": 1.0})


SEES_RIGHT, SEES_WRONG = picks(SUM), picks(NUMBER)
SAYS_FIRST = scripted({"otherwise": "verdict: FIRST"}, id="judge")


def step(**more: Any) -> dict[str, Any]:
    """A step's judge block."""
    rules = {"model": "wise", "criteria": "The amount is the sum to pay.", "least_pairs": 8}
    return {"judge": {**rules, **more}}


def asked(world: World) -> list[dict[str, Any]]:
    """Every answer of the judge that the lab holds."""
    return read_rows(world.lab / "history/judgements.jsonl")


def forget_gold(world: World, keep: int = 0) -> None:
    for split in ("train", "verify"):
        for path in sorted(world.lab.glob(f"baseline/{split}/*/invoice.json"))[keep:]:
            path.unlink()


def better(world: World) -> str:
    """A branch on which the models read the sum to pay."""
    world.branch("better", {"prompt.txt": PLAIN.replace("Extract", f"{HINT} Extract")})
    return "better"


def test_a_judge_that_sees_the_right_answer_decides(make_world: MakeWorld) -> None:
    world = make_world(step=step(), judges={"wise": SEES_RIGHT})
    assert world.iterate()
    verdict, train = world.verdict(1), world.record(1, "runs_train")
    assert (verdict.outcome, verdict.effect, verdict.n_pairs) == (Outcome.YES, 1.0, 12)
    assert verdict.verify is not None
    assert verdict.verify.effect == 1.0
    note = verdict.reasons[-1]
    assert (note.code, note.facts["kappa"], note.facts["pairs"]) == (Code.OTHER, "1", "12")
    assert "agrees with gold on 100% of 12 pairs (kappa 1.00)" in note.text
    assert note.text in (world.folder(1) / "assessment.md").read_text()
    assert len(asked(world)) == 4 * 12
    assert (train["judge_calls"], train["calls_made"]) == (24, 24 + train["runs_made"])
    assert train["cost_usd"] == train["judge_cost_usd"] > 0
    summary = (world.folder(1) / "summary.txt").read_text()
    assert "0.00 -> 1.00" in summary
    assert "judge     wise compared the answers" in summary
    page = (world.folder(1) / "report.html").read_text()
    assert "It stands there.\nverdict: SECOND" in page
    assert 'of <span class="mono">preference</span>' in page
    assert "**preference** (judged)" in (world.folder(1) / "insight_metrics.md").read_text()
    assert {len(one["asked"]) for one in world.record(1, "judged_train_1")["judgements"]} == {2}


def test_plans_without_gold_are_decided_by_a_judge_that_others_have_proven(
    make_world: MakeWorld,
) -> None:
    world = make_world(step=step(), judges={"wise": SEES_RIGHT})
    forget_gold(world, keep=9)
    assert world.iterate(branch=better(world))
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.n_pairs) == (Outcome.YES, 12)
    assert verdict.reasons[-1].facts["pairs"] == "9"


def test_without_gold_a_yes_stands_only_where_a_person_trusts_the_judge(
    make_world: MakeWorld,
) -> None:
    world = make_world(step=step(), judges={"wise": SEES_RIGHT})
    forget_gold(world)
    assert world.iterate(branch=better(world))
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.effect) == (Outcome.CONDITIONAL, 1.0)
    reason = next(r for r in verdict.reasons if r.code is Code.VIOLATION)
    assert "no judged pair has gold; it takes 8 such pairs and a kappa of 0.4" in reason.text
    assert not (world.folder(1) / "runs_verify.json").exists()
    config = world.root / "configs/steps/read_sum.yaml"
    config.write_text(config.read_text().replace("least_pairs: 8", "least_pairs: 0"))
    world.branch("again", {"prompt.txt": PLAIN.replace("Extract", f"{HINT} Read")})
    assert world.iterate(branch="again", number=2)
    assert world.verdict(2).outcome is Outcome.YES


def test_a_judge_that_always_says_first_sees_ties_only(make_world: MakeWorld) -> None:
    world = make_world(step=step(), judges={"wise": SAYS_FIRST})
    assert world.iterate()
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.effect, verdict.flips.tied) == (Outcome.NO, 0.0, 12)
    assert "the order of the answers swayed it on 100%" in verdict.reasons[-1].text


def test_a_yes_of_a_judge_that_contradicts_gold_does_not_stand(make_world: MakeWorld) -> None:
    """The change makes the answers wrong, and the judge prefers them."""
    script = {"rules": [{**READS_WELL["rules"][1], "when": "Guess"}, *READS_WELL["rules"]]}
    script["rules"][2] = {**READS_WELL["rules"][0], "when": ""}
    world = make_world(models={"m": scripted(script)}, step=step(), judges={"wise": SEES_WRONG})
    world.branch("guess", {"prompt.txt": PLAIN.replace("Extract", "Guess")})
    assert world.iterate(branch="guess")
    verdict = world.verdict(1)
    assert (verdict.outcome, verdict.effect) == (Outcome.CONDITIONAL, 1.0)
    assert "kappa -1.00 on 12 pairs with gold" in verdict.reasons[0].text
    assert world.record(1, "conclusion")["action"] == "left open"


def test_no_model_judges_itself_unless_told_so(make_world: MakeWorld) -> None:
    itself = {"rules": [{"when": "verdict: FIRST", **SEES_RIGHT["settings"]["extra"]["rules"][0]}]}
    both = {"rules": itself["rules"] + READS_WELL["rules"]}
    models = {"m": scripted(both)}
    world = make_world(models=models, step=step(model="m"))
    stops(luigi(world, "Iteration"), TASK, "Judge 'm' is one of the models", "allow_self: true")
    assert not list(world.lab.glob("history/*/*"))
    config = world.root / "configs/steps/read_sum.yaml"
    config.write_text(config.read_text().replace("model: m\n", "model: m\n  allow_self: true\n"))
    assert luigi(world, "Iteration").code == 0
    assert world.verdict(1).outcome is Outcome.YES


@pytest.mark.parametrize(
    ("judge", "config", "words"),
    [
        ({"model": "wize"}, {}, ("Unknown model 'wize'", "Did you mean 'wise'?")),
        ({}, {"key_env": "NO_SUCH_KEY"}, ("judge 'wise' cannot be used", "NO_SUCH_KEY")),
        ({}, {"id": "by-rule"}, ("Judge 'wise' is one of the models", "as 'exact': by-rule")),
    ],
)
def test_a_judge_that_cannot_judge_is_said_before_any_call(
    make_world: MakeWorld, judge: dict[str, Any], config: dict[str, Any], words: tuple[str, ...]
) -> None:
    world = make_world(step=step(**judge), judges={"wise": {**SEES_RIGHT, **config}})
    stops(luigi(world, "Iteration"), TASK, *words)
    assert not (world.folder(1) / "meta.json").exists()


def test_a_key_that_a_judge_has_not_is_said_with_its_line(make_world: MakeWorld) -> None:
    world = make_world(step=step(least_kapa=1), judges={"wise": SEES_RIGHT})
    stops(luigi(world, "Iteration"), PARSE, "read_sum.yaml:10: judge.least_kapa: unknown key")


def test_equal_and_invalid_answers_cost_no_call(make_world: MakeWorld) -> None:
    """One plan's baseline is no JSON, ten are answered alike, one is answered better."""
    rules = [
        {"when": ["Invoice 9000 ", "Look"], "answer": '{"amount": 1.5}'},
        {"when": "Invoice 9000 ", "answer": "no idea"},
        {"when": ["Invoice 9001 ", "Look"], "answer": '{"amount": 2.5}'},
        *READS_FIRST["rules"],
    ]
    world = make_world(
        models={"m": scripted({"rules": rules})}, step=step(), judges={"wise": SEES_RIGHT}
    )
    world.branch("look", {"prompt.txt": PLAIN.replace("Extract", "Look at")})
    assert world.iterate(branch="look")
    assert {row["plan"] for row in asked(world)} == {"plan_train_001"}
    assert len(asked(world)) == 2
    settled = world.record(1, "judged_train_1")["judgements"]
    assert [j["how"] for j in settled] == ["error", "asked", *["equal"] * 10]
    assert [j["pair"] for j in settled[:3]] == [[0.0, 1.0], [0.0, 1.0], [0.5, 0.5]]
    assert world.verdict(1).reasons[-1].facts["pairs"] == "1"


def test_a_judge_that_fails_is_asked_only_what_it_was_not(make_world: MakeWorld) -> None:
    judge = picks(SUM, fail="outside", fail_times=1)
    world = make_world(step=step(), judges={"wise": judge}, policy={"verify": "off"})
    assert not world.iterate()
    first = asked(world)
    assert 0 < len(first) < 24
    assert not (world.folder(1) / "judged_train_1.json").exists()
    assert world.iterate()
    assert asked(world)[: len(first)] == first
    keys = [row["key"] for row in asked(world)]
    assert len(keys) == len(set(keys)) == 24
    assert world.record(1, "runs_train")["judge_calls"] == 24


def test_a_kill_loses_no_answer(make_world: MakeWorld) -> None:
    judge = {**picks(SUM, latency_seconds=0.2), "workers": 2}
    world = make_world(step=step(), judges={"wise": judge}, policy={"verify": "off"})
    process = world.command("Iteration", start_new_session=True)
    until(lambda: len(asked(world)) >= 6 or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = asked(world)
    assert 6 <= len(before) < 24
    again = world.command("Iteration")
    assert again.wait(timeout=HANG_SECONDS) == 0
    assert asked(world)[: len(before)] == before
    assert len(asked(world)) == len({row["key"] for row in asked(world)}) == 24
    assert world.verdict(1).outcome is Outcome.YES


def test_an_old_verdict_is_computed_again_without_a_call(make_world: MakeWorld) -> None:
    world = make_world(step=step(), judges={"wise": SEES_RIGHT})
    assert world.iterate()
    made = asked(world)
    for path in (
        world.root / "configs/prompts/judge.md.j2",
        world.root / "configs/models/wise.yaml",
    ):
        path.unlink()
    said = luigi(world, "Replay", "--number", "1")
    assert (said.code, "1: identical (YES)" in said.out) == (0, True)
    assert asked(world) == made


def test_each_look_is_judged_before_the_next_one(make_world: MakeWorld) -> None:
    """9 plans cannot decide at alpha 0.0025, 18 can: the rest is neither run nor judged."""
    looks = {"mode": "sequential", "looks": 3, "max_plans": 27, "ledger": {"control": "planned"}}
    world = make_world(
        train=27, step=step(), judges={"wise": SEES_RIGHT}, policy={**looks, "verify": "off"}
    )
    assert world.iterate()
    assert (world.verdict(1).outcome, world.verdict(1).look) == (Outcome.YES, 2)
    counts = [len(world.record(1, f"judged_train_{n}")["judgements"]) for n in (1, 2)]
    assert counts == [9, 18]
    assert len(asked(world)) == 2 * 18


def test_a_judge_that_never_says_what_it_prefers_leaves_the_iteration_open(
    make_world: MakeWorld,
) -> None:
    mute = scripted({"otherwise": "Both have their merits."}, id="judge")
    world = make_world(step=step(), judges={"wise": mute})
    stops(luigi(world, "Iteration"), TASK, "Judge 'wise' ended none of its answers")
    assert not (world.folder(1) / "verdict.json").exists()
