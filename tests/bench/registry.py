"""`python -m tests.bench.registry [promotions]`: the registry's promotions and reads, measured."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from functools import partial
from pathlib import Path
from typing import Any

from prompt_lab.names import Split
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_plans import read_plan_texts
from prompt_lab.store.prompt_reader import Prompts
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.prompt_lab.store.prompt_worker import find_verdict, write_text
from tests.prompt_lab.store.test_prompt_reader import SERVES

ID = "master_system_core"
PLANS = 26
WHY = PromotionReason(Actor(name="bench", kind=ActorKind.PERSON), "bench", "2026-01-01T00:00:00Z")
_SYNCED: list[float] = []


def main(promotions: int, rollbacks: int = 20) -> None:
    """Print the median of a promotion, beside its fsyncs and with them, a read, and a change."""
    sync = os.fsync

    def timed_sync(handle: Any) -> None:
        begun = time.perf_counter()
        sync(handle)
        _SYNCED.append(time.perf_counter() - begun)

    with tempfile.TemporaryDirectory(prefix="prompt-lab-bench-") as folder:
        registry = _make_registry(Path(folder))
        vars(os)["fsync"] = timed_sync  # the one way to tell the disk's time from ours
        try:
            whole, ours, busy = _measure_promotions(registry, promotions)
        finally:
            vars(os)["fsync"] = sync
        print(f"{promotions} promotions, the guard comparing with {2 * PLANS} plans")
        print(f"  a promotion          {whole:8.2f} ms in the median")
        print(f"  beside its fsyncs    {ours:8.2f} ms in the median (at most 10)")
        print(f"  CPU                  {busy:8.2f} ms in the median")
        prompts = Prompts(folder)
        number = 200_000
        read = min(timeit.repeat(partial(prompts.get, ID), number=number, repeat=5)) / number
        prompts.close()
        print(f"  a read in process    {read * 1e6:8.2f} us (at most 5)")
        seen = _measure_rollbacks(registry, Path(folder), rollbacks)
        print(f"  a change seen in a second process: {max(seen):.2f} s at most of {len(seen)}")


def _make_registry(root: Path) -> PromptRegistry:
    lab = Lab(root)
    for split in Split:
        for number in range(PLANS):
            plan = lab.plans(split) / f"{split.value}_{number}"
            plan.mkdir(parents=True)
            words = " ".join(f"{split.value}{number}word{word}" for word in range(300))
            (plan / "note.txt").write_text(words)
    files = PromptFiles(root / "prompts")
    registry = PromptRegistry(files, find_verdict, partial(read_plan_texts, lab))
    registry.import_texts({ID: write_text("first")}, {}, WHY)
    return registry


def _measure_promotions(registry: PromptRegistry, promotions: int) -> tuple[float, float, float]:
    """Medians in milliseconds: the whole promotion, without the time in fsync, and CPU alone."""
    whole, ours, busy = [], [], []
    for number in range(promotions):
        text, verdict = write_text(str(number)), f"YES/{number}"
        _SYNCED.clear()
        begun, used = time.perf_counter(), time.process_time()
        registry.promote({ID: text}, {ID: verdict}, WHY)
        took = time.perf_counter() - begun
        busy.append((time.process_time() - used) * 1000)
        whole.append(took * 1000)
        ours.append((took - sum(_SYNCED)) * 1000)
    return statistics.median(whole), statistics.median(ours), statistics.median(busy)


def _measure_rollbacks(registry: PromptRegistry, root: Path, rollbacks: int) -> list[float]:
    """Seconds from a rollback's return until a second process serves it."""
    ends = [row.to_snapshot for row in registry.files.read_journal()[-2:]]
    command = [sys.executable, "-c", SERVES, str(root), ID]
    seen = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        for number in range(rollbacks):
            registry.roll_back(ends[number % 2], WHY)
            begun = time.monotonic()
            reader.stdout.readline()
            seen.append(time.monotonic() - begun)
        reader.kill()
    return seen


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
