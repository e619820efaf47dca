"""A day of the service on a simulated clock: outcomes, outages, users, damaged files, canaries."""

import json
import resource
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.names import Outcome
from prompt_lab.promptops.consume import consume
from prompt_lab.promptops.decision import decide_round
from prompt_lab.promptops.idle import MachineState
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.library.templates import list_templates
from prompt_lab.promptops.rounds import (
    PROPOSED,
    list_rounds,
    note_attempt,
    rounds_folder,
    use_of_day,
)
from prompt_lab.promptops.schedule import next_step
from prompt_lab.promptops.worker import propose
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.store.database.engine import open_outcomes
from prompt_lab.store.layout import Lab
from tests.prompt_lab.promptops.worlds import ServiceWorld, at

TICKS = 144
DAY = "2026-03-02"
OUTAGES = ((1.0, 3.0), (19.0, 20.0))
ACTIVE = (9.0, 17.0)
SUCCESS = {"orders": 0.5, "refunds": 0.6, "status": 0.96}
GAIN = {"structure": 0.3, "evidence_contract": -0.3, "expand": 0.0, "compress": 0.0}


class SoakReport(NamedTuple):
    """What a day came to. Memory in MB, as the largest so far, every hour."""

    world: ServiceWorld
    journal: list[dict[str, Any]]
    problems: tuple[str, ...]
    work_hours: tuple[float, ...]
    memory_mb: tuple[float, ...]


def run_day(root: Path, *, calls: int, seed: int) -> SoakReport:
    """One day in steps of ten minutes, the optimizer asked at each."""
    store = open_outcomes(Lab(root / "lab"), "")
    world = ServiceWorld(
        root / "lab",
        SUCCESS,
        gain=GAIN,
        seed=seed,
        store=store,
        plans_per_round=60,
        library={"stay_hours": 2.0},
        canary={"share": 0.4, "least_units": 50, "most_calls": 400, "alpha": 0.05},
    )
    problems: list[str] = []
    hours_of_work: list[float] = []
    memory: list[float] = []
    for tick in range(1, TICKS + 1):
        hours = tick / 6
        world.serve(hours, calls // TICKS)
        _damage_files(world, tick)
        problems += [line for line in consume(world.run_at(hours)) if line.startswith("Not taken")]
        world.trials.is_down = any(begin <= hours < end for begin, end in OUTAGES)
        is_active = ACTIVE[0] <= hours < ACTIVE[1]
        machine = MachineState(0.1, at(hours) if is_active else "")
        if _work(world, hours, machine):
            hours_of_work.append(hours)
        if tick % 6 == 0:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    journal = read_journal(world.context.lab)
    return SoakReport(world, journal, tuple(problems), tuple(hours_of_work), tuple(memory))


def _work(world: ServiceWorld, hours: float, machine: MachineState) -> bool:
    run = world.run_at(hours)
    name = next_step(run, machine).round
    if not name:
        return False
    folder = rounds_folder(world.context.lab) / name
    note_attempt(folder, "began", run.now)
    if not (folder / PROPOSED).exists():
        propose(run, name, world.trials.prepare)
    if world.trials.finish(run, name):
        decide_round(run, name)
    return True


def _damage_files(world: ServiceWorld, tick: int) -> None:
    folder = world.context.lab.root / "promptops"
    folder.mkdir(exist_ok=True)
    if tick == 30:  # another program's rows, in a form of its own
        rows = ({"kind": "prepare", "at": at(tick / 6), "n": n} for n in range(60))
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "metrics.jsonl").write_text(text)
    if tick == 60:
        (folder / "facts").mkdir(exist_ok=True)
        (folder / "facts" / "query_trace.ndjson").write_bytes(b"\x00\xff{torn\n" * 50)


def promoted_without_yes(world: ServiceWorld) -> list[str]:
    """Promotions whose verdict is no YES for that very text."""
    rows = world.registry.files.read_journal(kind=PromotionKind.PROMOTE)
    found = []
    for row in rows:
        after = world.registry.files.read_snapshot(row.to_snapshot).prompts
        for prompt_id, verdict_id in row.verdicts.items():
            verdict = world.trials.verdicts.get(verdict_id)
            is_yes = verdict is not None and verdict.outcome is Outcome.YES
            if verdict is None or not is_yes or verdict.text_sha256 != after[prompt_id]:
                found.append(f"{row.sequence} {prompt_id}")
    return found


def find_ungated(world: ServiceWorld) -> list[str]:
    """Promoted texts that the gate of the library has not decided on, or not reported."""
    lab = world.context.lab
    decided = {one.lineage.variant: one for one in list_templates(lab)}
    reported = {row.get("variant") for row in read_journal(lab) if "template" in row["event"]}
    found = []
    for row in world.registry.files.read_journal(kind=PromotionKind.PROMOTE):
        after = world.registry.files.read_snapshot(row.to_snapshot).prompts
        for prompt_id, verdict_id in row.verdicts.items():
            one = decided.get(after[prompt_id])
            has_reason = one is not None and (one.state == "accepted") != bool(one.codes)
            if not has_reason or after[prompt_id] not in reported:
                found.append(f"{prompt_id} of {verdict_id}")
    return found


def calls_used(world: ServiceWorld) -> int:
    """Calls of the day's rounds."""
    assert list_rounds(world.context.lab)
    return use_of_day(world.context.lab, DAY).calls
