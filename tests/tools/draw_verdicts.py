"""Write docs/verdicts.md and its picture: `python -m tests.tools.draw_verdicts`.

The text is verdicts.md.j2 beside this file; every number in it comes from here.
"""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from prompt_lab.decide.ledger import Use, grant
from prompt_lab.decide.limits import deviation, fewest_plans, plans_needed
from prompt_lab.decide.policy import LedgerRule
from prompt_lab.decide.price import Forecast, forecast
from prompt_lab.decide.verdict import Policy
from tests.tools.verdict_examples import MODELS, POLICY, Example
from tests.tools.verdict_picture import draw

ROOT = Path(__file__).parents[2]
PAGE, PICTURE = ROOT / "docs" / "verdicts.md", ROOT / "docs" / "verdicts.svg"
TEMPLATE = Path(__file__).with_name("verdicts.md.j2")
HALF_FLIP = 0.5
"""Standard deviation of plan differences when half of the plans flip a 0/1 score."""


def render() -> dict[Path, str]:
    """Path -> text of the page and of its picture."""
    examples = [Example(truth=0.12, seed=1).run(), Example(truth=0.0, seed=0).run()]
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"points": _points, "share": _share}
    text = environment.from_string(TEMPLATE.read_text("utf-8")).render(_numbers(examples))
    return {PAGE: text, PICTURE: draw(examples)}


def _numbers(examples: list[Example]) -> dict[str, Any]:
    good, idle = examples
    return {
        "policy": POLICY,
        "models": MODELS,
        "good": good,
        "idle": idle,
        "spread": deviation(good.differences),
        "default": Policy(),
        "fewest": fewest_plans(0.05),
        "by_plans": [_row(plans, Policy(max_plans=plans)) for plans in (20, 50, 100, 200, 400)],
        "by_mode": {name: _row(200, p) for name, p in _shapes().items()},
        "by_alpha": [_row(200, Policy(alpha=alpha)) for alpha in (0.05, 0.0025, 0.0005)],
        "simpler": {m: plans_needed(HALF_FLIP, m, 0.05, 0.8) for m in (0.03, 0.05, 0.10)},
        "grants": [grant(_uses(n), Policy()) for n in (0, 19, 20)],
        "open_end": grant(_uses(3), Policy(ledger=LedgerRule(control="elond"))),
        "snippet": _snippet(),
    }


def _snippet() -> str:
    """What the page's own code prints."""
    code = re.search(r"```python\n(.*?)```", TEMPLATE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    said = StringIO()
    with redirect_stdout(said):
        exec(code.group(1), {})  # the template is a file of ours
    return said.getvalue().strip()


def _shapes() -> dict[str, Policy]:
    return {
        "sequential, 5 looks": Policy(),
        "sequential, 3 looks": Policy(looks=3),
        "sequential, 10 looks": Policy(looks=10),
        "sequential, O'Brien-Fleming-like": Policy(spending="obrien_fleming"),
        "sequential, Pocock-like": Policy(spending="pocock"),
        "fixed": Policy(mode="fixed"),
    }


def _row(plans: int, policy: Policy) -> Forecast:
    return forecast(plans, HALF_FLIP, policy)


def _uses(count: int) -> list[Use]:
    return [Use(iteration=n, plan_set="train", alpha=0.0025) for n in range(count)]


def _points(value: float, sign: bool = True) -> str:
    return f"{value * 100:+.1f}" if sign else f"{value * 100:.0f}"


def _share(value: float) -> str:
    return f"{value:.0%}"


if __name__ == "__main__":
    for path, text in render().items():
        path.write_text(text, "utf-8")
        print(path.relative_to(ROOT))
