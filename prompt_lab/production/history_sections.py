"""What earlier days showed, as sections of the analyst's prompt and of a page."""

from collections.abc import Sequence

from prompt_lab.names import count
from prompt_lab.production.detector import plain_name
from prompt_lab.production.version_records import VersionComparison
from prompt_lab.reviews import ReviewSession
from prompt_lab.traces import VersionUsage


def render_history(sessions: Sequence[ReviewSession], *, most: int = 10) -> str:
    """The section '## Previous Optimization History' of the analyst's prompt, newest first."""
    lines = ["## Previous Optimization History"]
    for session in sorted(sessions, key=lambda one: one.created_at, reverse=True)[:most]:
        lines.append(f"{session.created_at[:10]}: {session.status.value.replace('_', ' ')}")
        for item in session.items:
            note = f" ({plain_name(item.note)})" if item.note else ""
            name, title = (" ".join(text.split()) for text in (item.identity, item.title))
            lines.append(f"- {name}: {title} [{item.state.value}{note}]")
    return "\n".join(lines if len(lines) > 1 else [*lines, "No session so far."])


def render_performance(usages: Sequence[VersionUsage], *, most: int = 10) -> str:
    """The section '## Prompt Version Performance', in the order of first use.

    A run is a session. The last two versions are 'before' and 'after'.
    """
    lines = ["## Prompt Version Performance"]
    shown = [usage for usage in usages if usage.sessions][-most:]
    means = [usage.cost_usd / usage.sessions for usage in shown]
    for at, (usage, mean) in enumerate(zip(shown, means, strict=True)):
        place = {len(shown) - 2: " (before)", len(shown) - 1: " (after)"}.get(at, "")
        lines.append(
            f"version {plain_name(usage.prompt_version[:8] or 'unknown')}: avg ${mean:.3f},"
            f" {usage.sessions:,} runs{place if len(shown) > 1 else ''}"
        )
    if len(means) > 1 and means[-2] > 0:
        lines.append(f"Improvement: {(means[-1] / means[-2] - 1) * 100:+.1f}%")
    return "\n".join(lines if shown else [*lines, "No session so far."])


def render_comparison(comparison: VersionComparison) -> str:
    """Before and after in lines, each measure with its 95 % interval, and the note below."""
    name = plain_name(comparison.prompt_id) if comparison.prompt_id else "prompt"
    lines = [
        f"{name}: version {comparison.before[:8]} ({count(comparison.sessions_before, 'session')})"
        f" -> {comparison.after[:8]} ({count(comparison.sessions_after, 'session')})"
    ]
    for metric in comparison.metrics:
        form = {"cost": "${:.4f}", "messages": "{:.2f}"}.get(metric.name, "{:.1%}")
        unit = "%" if metric.name in ("cost", "messages") else "points"
        before, after = form.format(metric.before), form.format(metric.after)
        line = f"{metric.name}: {before} -> {after} ({metric.change * 100:+.1f} {unit}"
        if metric.interval is not None:
            low, high = (f"{limit * 100:+.1f}" for limit in metric.interval)
            line += f", 95 %: {low} to {high}"
        lines.append(f"{line})" + (" WORSE" if metric.is_worse else ""))
    return "\n".join([*lines, comparison.note])
