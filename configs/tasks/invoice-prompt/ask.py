"""Asks the embedded model about each plan with the prompt; writes its answers to work/answers."""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from adapters.llm.embedded import Embedded
from prompt_lab.config.base import load
from prompt_lab.config.models import ModelConfig
from prompt_lab.ports import StepJob

plans = import_module("configs.tasks.invoice-prompt.plans")


def main() -> None:
    """One call a plan, as many at a time as the model has workers."""
    file = plans.ROOT / "configs/models/smollm2.yaml"
    model = Embedded(load(file, ModelConfig, alias=file.stem))
    missing = model.check()
    if missing:
        raise SystemExit(missing)
    answers = Path(os.environ["PROMPTLAB_OUT"], "answers")

    def ask(plan: Path) -> None:
        (answers / plan.name).mkdir(parents=True)
        plans.STEP.execute(StepJob(plans.ROOT, plan, answers / plan.name, model.ask, seed=None))

    with ThreadPoolExecutor(model.config.workers) as pool:
        list(pool.map(ask, plans.PLANS))
    model.close()


if __name__ == "__main__":
    main()
