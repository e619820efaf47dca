"""journal.jsonl: what happened in the lab, one line each, only ever appended to."""

from typing import Any

from prompt_lab.store.files import append_row, read_rows
from prompt_lab.store.layout import Lab


def note(lab: Lab, event: str, *, now: str, **facts: Any) -> None:
    """Append one event. Call it only where a repeat after a crash does no harm."""
    append_row(lab.journal, {"timestamp": now, "event": event, **facts})


def events(lab: Lab, *kinds: str) -> list[dict[str, Any]]:
    """All events of these kinds that say when they were, oldest first."""
    rows = read_rows(lab.journal)
    return [row for row in rows if row.get("event") in kinds and "timestamp" in row]
