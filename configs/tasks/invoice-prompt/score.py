"""The share of fields that the answers have right, by the plans' gold answers, plan by plan."""

import json
import os
from importlib import import_module
from pathlib import Path

plans = import_module("configs.tasks.invoice-prompt.plans")


def main() -> None:
    """Print the mean, and each plan's score as a case."""
    answers = Path(os.environ["PROMPTLAB_OUT"], "answers")
    found = {
        plan.name: plans.STEP.score(plan, answers / plan.name)["fields"] for plan in plans.PLANS
    }
    print(json.dumps({"score": sum(found.values()) / len(found), "plans": found}))


if __name__ == "__main__":
    main()
