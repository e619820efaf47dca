"""The example lab: what strategies write, and worked examples of train, tell no verify plan."""

import json
from pathlib import Path

import pytest

from prompt_lab.analyze.leaked import leaked
from prompt_lab.names import Split
from prompt_lab.propose.model import Material
from prompt_lab.records import PlanText
from prompt_lab.store.plans import read_plan
from tests.strategies import strategies

EXAMPLE = Path(__file__).parents[3] / "examples/invoices"
STEPS = [("extract_invoice", "invoice"), ("classify_ticket", "ticket")]
EVERY = 12


def _plans(kind: str, split: Split) -> list[PlanText]:
    folders = sorted(path.parent for path in (EXAMPLE / "baseline" / split).glob(f"*/{kind}.txt"))
    return [read_plan(folder, (f"{kind}.txt",), (f"{kind}.json",)) for folder in folders]


def _file(name: str) -> str:
    [path] = (EXAMPLE / "target").rglob(name)
    return path.read_text()


@pytest.mark.parametrize(("step", "kind"), STEPS)
def test_candidates_of_the_strategies_and_the_baseline_tell_nothing(step: str, kind: str) -> None:
    prompt, schema = _file(f"{step}.txt"), _file(f"{step}.json")
    train, verify = _plans(kind, Split.TRAIN), _plans(kind, Split.VERIFY)
    texts = {"baseline": ("", prompt), "schema.json": ("", schema)}
    for at in range(0, len(train), EVERY):
        names = tuple(plan.name for plan in train[at : at + EVERY])
        material = Material(step, prompt, json.loads(schema), train, failing=names)
        for name, strategy in strategies().items():
            if strategy.applies(material) is None:
                texts[f"{name} {at}"] = (prompt, strategy.propose(material).text)
    assert len(texts) > 2
    assert leaked(texts, [], train=train, verify=verify) == ()


@pytest.mark.parametrize(("step", "kind"), STEPS)
def test_worked_examples_of_train_tell_nothing_and_those_of_verify_do(step: str, kind: str) -> None:
    prompt = _file(f"{step}.txt")
    train, verify = _plans(kind, Split.TRAIN), _plans(kind, Split.VERIFY)

    def found(plan: PlanText) -> set[str]:
        text = "\n".join([prompt, *plan.inputs.values(), *plan.gold.values()])
        places = leaked({"p.txt": (prompt, text)}, [], train=train, verify=verify)
        return {place.plan for place in places}

    assert not [plan.name for plan in train[::EVERY] if found(plan)]
    assert all(plan.name in found(plan) for plan in verify[::EVERY])
