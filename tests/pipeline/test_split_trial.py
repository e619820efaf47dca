"""`TrySplit` on a real lab with a scripted model: the decision, the switch, the page."""

import json
from pathlib import Path
from typing import Any

import luigi
import pytest
import yaml

from pipeline.tasks.split_trial import TrySplit
from pipeline.wiring import lab_context
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome
from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.split_trial import SplitDecision
from prompt_lab.store.files import read_record
from tests.prompt_lab.promptops.worlds import ONE_LOOK, make_lab

pytestmark = pytest.mark.slow
PLACES = [f"Town{at}" for at in range(120)]
CASES = [
    {
        "id": f"case_{at:02}",
        "query": f"Where is {one}? Where is {other}?",
        "expects_all": [f"at {one}", f"at {other}"],
    }
    for at, (one, other) in enumerate(zip(PLACES[:60], PLACES[60:], strict=True))
]
MODELS = {
    # Knows what one question asks for, and nothing of two at once.
    Outcome.YES: [{"answer": "It is at {0}.", "answer_regex": r"^Where is (Town\d+)\?$"}],
    Outcome.NO: [],
}


def write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def make_split_lab(root: Path, outcome: Outcome) -> LabContext:
    """A lab whose model gains by parts, or answers the same either way."""
    made = make_lab(root, ["multi"])
    step = yaml.safe_load((root / "configs/steps/multi.yaml").read_text(encoding="utf-8"))
    inputs = ["multi.question.txt", "multi.labels.json"]
    write_yaml(
        root / "configs/steps/multi.yaml", {**step, "adapter": "split_question", "inputs": inputs}
    )
    write_yaml(root / "configs/targets/service.yaml", {"repository": "target"})
    write_yaml(root / "configs/policies/once.yaml", ONE_LOOK)
    model = yaml.safe_load((root / "configs/models/exact.yaml").read_text(encoding="utf-8"))
    model["settings"]["extra"] = {"rules": MODELS[outcome], "otherwise": "I cannot say."}
    write_yaml(root / "configs/models/exact.yaml", model)
    prompt = root / "part" / "prompts" / "multi.txt"
    prompt.parent.mkdir(parents=True)
    prompt.write_text("Answer.\n\n[user]\n{{ question }}\n", encoding="utf-8")
    made.load_adapter("git", "create")(root / "part", (), message="The service", when=utc_now())
    (root / "part").rename(root / "target")
    (root / "cases.json").write_text(json.dumps(CASES), encoding="utf-8")
    return lab_context()


@pytest.mark.parametrize("outcome", [Outcome.YES, Outcome.NO])
def test_a_yes_turns_decomposition_on_and_anything_else_leaves_it_off(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: Outcome,
) -> None:
    root = tmp_path / "lab"
    monkeypatch.setenv("PROMPTLAB_ROOT", str(root))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(root / "configs"))
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    context = make_split_lab(root, outcome)
    task = TrySplit(step="multi", cases=str(root / "cases.json"), policy="once")
    assert luigi.build([task], local_scheduler=True, log_level="ERROR")
    said = capsys.readouterr().out
    is_yes = outcome is Outcome.YES
    decision = read_record(root / "promptops/split_trials/1_multi.json", SplitDecision)
    assert (decision.outcome is Outcome.YES, decision.is_on) == (is_yes, is_yes), said
    assert AbilitySwitches.load(context.lab).is_on("decomposition", "multi") == is_yes
    assert decision.text in said
    assert (decision.whole.calls, decision.split.calls) == (1.0, 3.0)
    page = (root / "promptops/intents.html").read_text(encoding="utf-8")
    assert ("On for <b>multi</b> by the YES of 1_multi" in page) == is_yes
    assert "parallel sentences" in page
    sealed = {path.name for path in (root / "baseline" / "verify").iterdir()}
    assert sealed
    assert not any(name in page for name in sealed)
