"""A small lab as another tool leaves it: run folders, analyses, and what is odd about them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prompt_lab.store.layout import Lab

STEP = "find_levers"
TWO = "1 validation error for Levers\nlevers.5.options\n  got 2 [type=value_error, input_value=[]]"


def run_folder(
    lab: Lab, number: int, model: str, plans: Mapping[str, Any], *, keep: bool = True
) -> Path:
    """history/<n>: plans by name, each a list of texts, or an error's message."""
    folder = lab.run_folder(number, STEP)
    folder.mkdir(parents=True)
    put(folder / "meta.json", {"step": STEP, "model": {"primary": model}, "workers": 1})
    events, rows = [], []
    for plan, told in plans.items():
        error = told if isinstance(told, str) else None
        status = "error" if error else "ok"
        seconds = 3.5
        rows.append(
            {
                "name": plan,
                "status": status,
                "duration_seconds": seconds,
                "error": error,
                "calls_succeeded": None if error else 2,
            }
        )
        events += [
            {"timestamp": f"2026-03-17T10:{number:02d}:00Z", "event": f"run_single_plan_{e}"}
            | {"plan_name": plan}
            for e in ("start", "error" if error else "complete")
        ]
        if keep:
            outputs(folder / "outputs" / plan, model, [] if error else told)
    lines(folder / "outputs.jsonl", rows)
    lines(folder / "events.jsonl", events)
    return folder


def outputs(out: Path, model: str, texts: list[str]) -> None:
    """A plan's folder: clean and raw answer, and two calls, each logged twice."""
    out.mkdir(parents=True)
    if texts:
        levers = [{"name": f"L{i}", "review": text} for i, text in enumerate(texts)]
        put(out / "levers.json", levers)
        put(out / "levers_raw.json", {"responses": levers})
    calls = []
    for second in (1, 2):
        when = {"timestamp": f"2026-03-17T10:00:0{second}", "success": True}
        tokens = {"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.001}
        calls += [{**when, "model": "vendor:x", **tokens}, {**when, "model": model}]
    lines(out / "usage_metrics.jsonl", calls)


def analysis(lab: Lab, number: int, runs: list[int], assessment: str = "", **meta: Any) -> Path:
    """analysis/<i>: what it cites, and what it says; without an assessment it has none."""
    folder = lab.analysis / f"{number}_{STEP}"
    folder.mkdir(parents=True)
    cited = [lab.relative(lab.run_folder(n, STEP)).removeprefix("history/") for n in runs]
    put(folder / "meta.json", {"history": cited, **meta})
    (folder / "synthesis.md").write_text("# Synthesis\n\nGo on.\n")
    if assessment:
        (folder / "assessment.md").write_text(assessment)
    return folder


def small_lab(root: Path) -> Lab:
    """Two models on two plans before and after a change, and three analyses."""
    lab = Lab(root)
    old, new = ["This lever is one."] * 8, ["The options are two."] * 8
    run_folder(lab, 0, "small", {"silo": old, "game": TWO})
    run_folder(lab, 1, "large", {"silo": old, "game": old})
    run_folder(lab, 2, "small", {"silo": new, "game": new})
    run_folder(lab, 3, "large", {"silo": new, "game": new})
    pull = {"pr_url": "https://example.org/o/r/pull/7", "pr_title": "Say <more>"}
    analysis(lab, 0, [0, 1])
    analysis(lab, 1, [2, 3], "# A\n\n## Verdict\n\n**KEEP**: it works.\n", **pull)
    analysis(lab, 2, [2, 3], "## Verdict: NO\n\nA disaster.\n", branch="try-two")
    return lab


def put(path: Path, value: object) -> None:
    """A JSON file."""
    path.write_text(json.dumps(value), "utf-8")


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
