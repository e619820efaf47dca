"""`luigi --module pipeline Optimize` on a lab with a real repository, registry and trial."""

import os
from pathlib import Path
from typing import Any

import luigi
import pytest
import yaml

from pipeline.tasks.promptops import Optimize
from pipeline.web.optimizer_loop import OptimizerLoop
from pipeline.wiring import lab_context, optimizer_run
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.arms import choose_arm
from prompt_lab.promptops.canary import read_canary, running_canaries
from prompt_lab.promptops.idle import set_switch
from prompt_lab.promptops.rounds import find_open_round, list_rounds
from prompt_lab.prompts.snapshots import PromotionKind, digest_text
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.promptops.worlds import EDITOR, ONE_LOOK, TEXT, make_lab

pytestmark = pytest.mark.slow
SCRIPT = {
    "rules": [
        {
            "when": "# Before you answer",
            "answer": "It is {0} [1].",
            "answer_regex": r"(answer \d+) ",
        }
    ],
    "otherwise": "I would rather talk about the weather.",
}
TEXT_BEFORE = TEXT.format(topic="orders")


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabContext:
    """A lab whose prompt fails at every second question."""
    root = tmp_path / "lab"
    monkeypatch.setenv("PROMPTLAB_ROOT", str(root))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(root / "configs"))
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    canary = {"share": 0.5, "least_units": 10, "most_calls": 40, "alpha": 0.05}
    made = make_lab(root, ["orders"], canary=canary, optimizer={"policy": "once"})
    write_yaml(root / "configs" / "policies" / "once.yaml", ONE_LOOK)
    model = yaml.safe_load((root / "configs" / "models" / "exact.yaml").read_text())
    model["settings"]["extra"] = SCRIPT
    write_yaml(root / "configs" / "models" / "exact.yaml", model)
    (root / "part" / "prompts").mkdir(parents=True)
    (root / "part" / "prompts" / "orders.txt").write_text(TEXT_BEFORE)
    made.load_adapter("git", "create")(root / "part", (), message="The service", when=utc_now())
    os.rename(root / "part", root / "target")
    registry = open_registry(made.lab)
    why = PromotionReason(EDITOR, "as it was", utc_now())
    registry.import_texts({"orders": TEXT_BEFORE}, {}, why)
    return lab_context()


def serve(context: LabContext, begin: int, number: int) -> None:
    """Calls that succeed under a text with the checks, and else at every second question."""
    run, now = optimizer_run(context, utc_now()), utc_now()
    current = run.registry.read_current()[1].prompts["orders"]
    canary = next(iter(running_canaries(context.lab)), None)
    rows = []
    for at in range(begin, begin + number):
        arm = choose_arm(canary, f"user {at}") if canary else ""
        variant = canary.candidate if canary and arm == "canary" else current
        is_better = variant != digest_text(TEXT_BEFORE)
        rows.append(
            CallOutcome(
                trace=f"t{at}",
                when=now,
                prompt_id="orders",
                task_class="orders",
                variant=variant,
                arm=arm,
                unit=f"user {at}",
                success=is_better or at % 2 == 0,
                question=f"What is the state of machine {at * 37} in hall {at * 11}?",
                sources=(f"The answer {at} is what machine {at * 37} says.",),
                expected={"expects_any": [f"answer {at}"]},
            )
        )
    run.outcomes.add(rows)


def optimize() -> bool:
    task = Optimize(once=True)  # type: ignore[call-arg]
    return bool(luigi.build([task], local_scheduler=True, log_level="ERROR"))


def test_a_weak_prompt_is_improved_tried_put_on_traffic_and_promoted(
    context: LabContext, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(context, 0, 60)
    assert optimize()
    said = capsys.readouterr().out
    canary = read_canary(context.lab, "orders")
    assert canary is not None, said
    assert canary.state == "running"
    assert canary.verdict_id == "1_orders"
    assert "is a canary on 50%" in said
    assert open_registry(context.lab).read_text("orders") == TEXT_BEFORE
    serve(context, 100, 60)
    assert optimize()
    assert "passed" in capsys.readouterr().out
    registry = open_registry(context.lab)
    assert "# Before you answer" in registry.read_text("orders")
    (row,) = registry.files.read_journal(kind=PromotionKind.PROMOTE)
    assert row.verdicts == {"orders": "1_orders"}
    served = (context.lab.root / "target" / "prompts" / "orders.txt").read_text()
    assert served == registry.read_text("orders")


def test_with_nothing_to_improve_it_says_so_and_makes_no_round(
    context: LabContext, capsys: pytest.CaptureFixture[str]
) -> None:
    assert optimize()
    assert "Nothing to improve" in capsys.readouterr().out
    assert not list_rounds(context.lab)


def test_beside_a_server_rounds_are_run_until_it_ends(
    context: LabContext, capsys: pytest.CaptureFixture[str]
) -> None:
    set_switch(context.lab, enabled=False, actor="ann", reason="a release", when=utc_now())
    loop = OptimizerLoop(context.lab.root, pause=3600)
    with loop:
        assert loop.wait_for_round(120)
    assert "optimizer: The optimizer is off" in capsys.readouterr().out
    assert not find_open_round(context.lab)
