"""promptops/journal.jsonl: what the service decided, one row for each event."""

from typing import Any

from prompt_lab.store.files import append_row, disk_errors, read_rows
from prompt_lab.store.layout import Lab


def note(lab: Lab, event: str, now: str, **facts: Any) -> None:
    """Append one event. Raises StoreError."""
    path = lab.root / "promptops" / "journal.jsonl"
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    append_row(path, {"event": event, "when": now, **facts})


def read_journal(lab: Lab) -> list[dict[str, Any]]:
    """The events, oldest first; damaged rows are left out."""
    rows = read_rows(lab.root / "promptops" / "journal.jsonl")
    return [row for row in rows if isinstance(row, dict)]


def render_journal(rows: list[dict[str, Any]]) -> str:
    """One line an event: when, what, which prompt, and why."""
    lines = []
    for row in rows:
        codes = ", ".join(map(str, row.get("codes") or ()))
        words = (
            str(row.get("when", ""))[:19],
            f"{row.get('event', '')!s:<17}",
            str(row.get("prompt_id", "")),
            str(row.get("decision", "")),
            f"[{codes}]" if codes else "",
            str(row.get("text", "")),
        )
        lines.append("  ".join(word for word in words if word))
    return "\n".join(lines) or "Nothing has been decided yet."
