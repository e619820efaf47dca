"""Reports for a terminal: how well prompts do, and what metrics.jsonl holds."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prompt_lab.names import dollars
from prompt_lab.outcomes import OutcomeSummary
from prompt_lab.promptops.weak import WeakPrompt
from prompt_lab.store.files import disk_errors


def render_effectiveness(summary: Sequence[OutcomeSummary], weak: Sequence[WeakPrompt]) -> str:
    """One line for each prompt, task class, variant and arm, and one for each weak prompt."""
    if not summary:
        return "There are no outcomes yet: `prompt-lab promptops ingest` reads the files of facts."
    lines = [_describe(one) for one in summary]
    lines += [
        f"weak: {one.prompt_id} {one.task_class or '-'}: {one.successes} of {one.calls} by "
        f"{one.reason}, at most {one.high:.0%}"
        for one in weak
    ]
    return "\n".join(lines)


def _describe(one: OutcomeSummary) -> str:
    known = one.successes + one.failures
    success = f"{one.successes / known:.1%} of {known}" if known else "unknown"
    latency = f"{one.latency_p95_ms:.0f} ms" if one.latency_p95_ms is not None else "unknown"
    cost = dollars(one.cost_usd / one.costed) if one.costed else "unknown"
    place = " ".join((one.prompt_id or "-", one.task_class or "-", one.variant[:12] or "-"))
    return (
        f"{place} {one.arm or 'all'}: {one.calls} calls, success {success}, p95 {latency}, "
        f"cost a call {cost}, thumbs {one.thumbs_up} up {one.thumbs_down} down, "
        f"{one.disputed} disputed"
    )


def summarise_metrics(path: Path) -> dict[str, dict[str, Any]]:
    """Type of row -> rows, mean latency (ms), share of successes; 'malformed' -> rows.

    Reads row by row: memory does not grow with the file. Raises StoreError.
    """
    found: dict[str, dict[str, Any]] = {}
    sums: dict[tuple[str, str], list[float]] = {}
    for row in _read(path):
        kind = str(row.get("type", "malformed")) if row is not None else "malformed"
        found.setdefault(kind, {"rows": 0})["rows"] += 1
        for name in ("latency_ms", "success"):
            value = (row or {}).get(name)
            if isinstance(value, int | float):
                total = sums.setdefault((kind, name), [0.0, 0.0])
                total[0], total[1] = total[0] + value, total[1] + 1
    for (kind, name), (total_value, number) in sums.items():
        found[kind][f"mean_{name}"] = round(total_value / number, 6)
    return dict(sorted(found.items()))


def render_metrics(summary: dict[str, dict[str, Any]]) -> str:
    """The summary as JSON."""
    return json.dumps(summary, indent=2, ensure_ascii=False)


def _read(path: Path) -> Iterator[dict[str, Any] | None]:
    if not path.exists():
        return
    with disk_errors(path), path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if line.strip():
                yield row if isinstance(row, dict) else None
