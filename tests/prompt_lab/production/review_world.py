"""A lab whose registry holds the blog writer's prompt, with a step that asks plans from traces."""

import os
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipeline.wiring import open_context, stores
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.promotion import person
from prompt_lab.production.review_run import ReviewRun
from prompt_lab.production.simulate import PLANTED, AgentFaults, prompt_of_day, simulate_month
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry
from tests.memory_stores import MemoryReviews, MemoryTraces

CALLS_A_TOOL = {"rules": [{"answer": '{"action": "write_article", "content": "a draft"}'}]}
REVIEW_DAY = 14


def make_context(root: Path, *, script: dict[str, Any] = CALLS_A_TOOL, **policy: Any) -> LabContext:
    """A lab below `root`, with a target repository and a scripted model."""
    configs = root / "configs"
    entries: dict[str, dict[str, Any]] = {
        "targets/blog": {"repository": "target", "registry": {PROMPT_ID: "prompts/writer.txt"}},
        "steps/write_article": {
            "adapter": "trace_turn",
            "target": "blog",
            "prompt": "prompts/writer.txt",
            "inputs": [f"{PROMPT_ID}.turn.json"],
            "primary": "contract",
        },
        "models/exact": {
            "provider": "scripted",
            "id": "by-rule",
            "deterministic": True,
            "workers": 2,
            "settings": {"temperature": 0, "extra": script},
        },
        "policies/saving": {
            "rule_version": 3,
            "test": "margin_t",
            "harm_margin": 0.25,
            "least_estimate": -0.1,
            "saving": "length",
            "verify": "off",
            "max_plans": 100,
            "simpler_margin": None,
            "ledger": {"control": "planned", "budget": 0.04, "iterations": 1},
            **policy,
        },
        "lab": {
            "step": "write_article",
            "models": ["exact"],
            "policy": "saving",
            "train_plans": 6,
            "verify_plans": 40,
            "production": {"cost_policy": "saving", "trial_policy": "saving", "analyst": False},
        },
    }
    for name, content in entries.items():
        path = configs / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    context = open_context(root, configs)
    text = prompt_of_day(REVIEW_DAY, PLANTED)[PROMPT_ID]
    if not (root / "target").exists():
        (root / "part" / "prompts").mkdir(parents=True)
        (root / "part" / "prompts" / "writer.txt").write_text(text)
        create = context.load_adapter("git", "create")
        create(root / "part", (), message="The agent", when=utc_now())
        os.rename(root / "part", root / "target")
    return context


def import_prompt(context: LabContext, text: str) -> PromptRegistry:
    """The registry with one prompt."""
    registry = open_registry(context.lab)
    why = PromotionReason(person(), "as it was", utc_now())
    registry.import_texts({PROMPT_ID: text}, {}, why)
    return registry


def make_run(
    context: LabContext, *, seed: int = 1, faults: AgentFaults = PLANTED, days: int = REVIEW_DAY
) -> ReviewRun:
    """A review of the last of `days` simulated days, whose prompts are the registry's."""
    traces, reviews = MemoryTraces(), MemoryReviews()
    import_prompt(context, prompt_of_day(days, faults)[PROMPT_ID])
    end = ""
    for day in simulate_month(date(2026, 2, 1), seed=seed, faults=faults, days=days):
        traces.add(day.traces)
        traces.feedback += day.feedback
        end = day.end
    return ReviewRun(context, traces, reviews, name=f"{end[:10]}_1", now=end)


def make_daily_lab(root: Path) -> None:
    """A lab with its own database of two weeks of traces, and the prompt of its last day."""
    context = make_context(root)
    import_prompt(context, prompt_of_day(REVIEW_DAY, PLANTED)[PROMPT_ID])
    days = simulate_month(date(2026, 2, 1), seed=1, faults=PLANTED, days=REVIEW_DAY)
    stores(context).traces.add(trace for day in days for trace in day.traces)
