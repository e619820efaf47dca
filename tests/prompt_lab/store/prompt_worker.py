"""A process of its own that promotes and rolls back until it is killed, or `count` times."""

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from prompt_lab.names import Outcome
from prompt_lab.prompts.snapshots import (
    Actor,
    ActorKind,
    PromotionRefused,
    TrialVerdict,
)
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry

ACTOR = Actor(name="test", kind=ActorKind.WORKER)
WHY = PromotionReason(ACTOR, "test", "2026-01-01T00:00:00.000Z")


def write_text(mark: str) -> str:
    """A text that the guard lets pass."""
    return f"{{{{PLAYBOOKS}}}} Answer {mark}. " + "Name the machine and the shift. " * 8


def find_verdict(verdict_id: str) -> TrialVerdict | None:
    """A verdict whose id says what it is and about which mark: 'YES/a', 'NO/a'."""
    outcome, _, mark = verdict_id.partition("/")
    if outcome not in list(Outcome):
        return None
    digest = sha256(write_text(mark).encode()).hexdigest()
    return TrialVerdict(verdict_id, Outcome(outcome), digest)


def open_registry(root: Path) -> PromptRegistry:
    return PromptRegistry(PromptFiles(root), find_verdict)


def main(root: Path, name: str, count: int, report: Callable[[int], object] = print) -> None:
    """`report` gets the sequence of each row after its call has returned."""
    registry = open_registry(root)
    prompt_id = "master_system_core"
    for number in range(count) if count else iter(int, 1):
        current = registry.files.read_pointer()
        assert current is not None
        mark = f"{name}-{number if count else current.sequence}"
        try:
            row = registry.promote({prompt_id: write_text(mark)}, {prompt_id: f"YES/{mark}"}, WHY)
            report(row.sequence)
            if not count:
                report(registry.roll_back(row.from_snapshot, WHY).sequence)
        except PromotionRefused as error:
            if "current already" not in str(error):
                raise


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
