"""Write docs/verdicts.md and its picture: `python -m tests.tools.draw_verdicts`.

The text is verdicts.md.j2 beside this file; every number in it comes from here.
"""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from prompt_lab.decide.anytime import log_e_path
from prompt_lab.decide.ledger import Use, grant
from prompt_lab.decide.limits import deviation
from prompt_lab.decide.price import Forecast, forecast, plans_of_trial
from prompt_lab.decide.simulated import SimulatedLab, draw_scores
from prompt_lab.decide.verdict import Policy, fewest_sealed_plans, sealed_view
from tests.prompt_lab.decide.policies import NAMES, shipped
from tests.tools.verdict_examples import (
    MODELS,
    POLICY,
    REPLICATES,
    SEALED,
    TRAIN,
    Example,
)
from tests.tools.verdict_picture import draw

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs" / "verdicts.md", ROOT / "docs" / "verdicts.svg"
FIGURES = ROOT / "docs" / "calibration.json"
TEMPLATE = Path(__file__).with_name("verdicts.md.j2")
GOOD_START = 9
"""A seed for which the candidate that changes nothing passes the screening."""
HALF_FLIP = 0.5
"""Standard deviation of plan differences when half of the plans flip a 0/1 score."""


def render() -> dict[Path, str]:
    """Path -> text of the page and of its picture."""
    examples = [Example(truth=0.15, seed=3).run(), Example(truth=0.0, seed=GOOD_START).run()]
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"points": _points, "share": _share, "share1": _share1}
    text = environment.from_string(TEMPLATE.read_text("utf-8")).render(_numbers(examples))
    return {PAGE: text, PICTURE: draw(examples)}


def _numbers(examples: list[Example]) -> dict[str, Any]:
    good, idle = examples
    figures = json.loads(FIGURES.read_text("utf-8"))
    policies = {name: shipped(name) for name in NAMES}
    strict = policies["strict"]
    return {
        "policy": POLICY,
        "models": MODELS,
        "train": TRAIN,
        "sealed": SEALED,
        "replicates": REPLICATES,
        "good": good,
        "idle": idle,
        "shown": sealed_view(good.verdict),
        "spread": deviation(good.differences),
        "policies": policies,
        "strict": strict,
        "fewest": fewest_sealed_plans(strict),
        "by_plans": [_row(plans, strict) for plans in (30, 60, 150, 300)],
        "chance": {name: seen["rate"] for name, seen in figures["counted"].items()},
        "worst": {name: _worst(figures, name) for name in NAMES},
        "cells": {name: _cells(figures, name) for name in NAMES},
        "net": figures["net"],
        "grants": [grant(_uses(n), shipped("strict", granted=False)) for n in (0, 17, 18)],
        "after_merge": {loss: _plans_to_find(loss / 100, strict) for loss in (10, 20)},
        "saving_plans": {
            "graded": _plans_to_save(SimulatedLab(binary=False), policies["simpler"]),
            "0/1": _plans_to_save(SimulatedLab(), policies["simpler"]),
        },
        "snippet": _snippet(),
    }


def _plans_to_save(lab: SimulatedLab, policy: Policy) -> int:
    """Sealed plans that confirm a saving without any loss with the policy's power, in tens."""
    replicates = policy.replicates_for(binary=lab.binary, deterministic=False)
    values = draw_scores(lab, 0.0, 20, 500, replicates, np.random.default_rng(0)).values
    return round(plans_of_trial(deviation(values.ravel()), 0.0, policy) / 10) * 10


def _plans_to_find(loss: float, policy: Policy) -> int:
    """After how many fresh plans half of the merges that lose so much are called worse."""
    rng, worlds, plans = np.random.default_rng(0), 200, 1500
    scores = draw_scores(SimulatedLab(), -loss, worlds, plans, 1, rng)
    reached = [log_e_path(-values) >= -np.log(policy.retest_alpha) for values in scores.values]
    first = [int(path.argmax()) + 1 if path.any() else plans + 1 for path in reached]
    return round(float(np.median(first)) / 10) * 10


def _merges(figures: dict[str, Any], policy: str) -> list[float]:
    """The chance of any merge in every cell of false merges of this policy."""
    return [
        seen["any_merge"]
        for seen in figures["counted"].values()
        if seen["policy"] == policy and seen["any_merge"] is not None
    ]


def _worst(figures: dict[str, Any], policy: str) -> float:
    return max(_merges(figures, policy))


def _cells(figures: dict[str, Any], policy: str) -> int:
    return len(_merges(figures, policy))


def _snippet() -> str:
    """What the page's own code prints."""
    code = re.search(r"```python\n(.*?)```", TEMPLATE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    said = StringIO()
    with redirect_stdout(said):
        exec(code.group(1), {})  # the template is a file of ours
    return said.getvalue().strip()


def _row(plans: int, policy: Policy) -> Forecast:
    return forecast(plans, HALF_FLIP, policy)


def _uses(count: int) -> list[Use]:
    return [Use(iteration=n, plan_set="verify", alpha=0.04 / 18) for n in range(count)]


def _points(value: float, sign: bool = True) -> str:
    return f"{value * 100:+.1f}" if sign else f"{value * 100:.0f}"


def _share(value: float) -> str:
    return f"{value:.0%}"


def _share1(value: float) -> str:
    return f"{value:.1%}"


if __name__ == "__main__":
    for path, text in render().items():
        path.write_text(text, "utf-8")
        print(path.relative_to(ROOT))
