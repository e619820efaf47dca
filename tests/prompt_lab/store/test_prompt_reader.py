"""Reading in process: a change arrives, a lost registry is stated; and who wrote each line."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.store.prompt_blame import blame_lines
from prompt_lab.store.prompt_reader import Prompts
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.prompt_lab.store.prompt_worker import WHY, open_registry, write_text

ID = "master_system_core"


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    made = open_registry(tmp_path / "prompts")
    made.import_texts({ID: write_text("first")}, {}, WHY)
    return made


@pytest.fixture
def prompts(registry: PromptRegistry, tmp_path: Path) -> Iterator[Prompts]:
    reader = Prompts(tmp_path, now=lambda: "2026-01-02T00:00:00.000Z")
    yield reader
    reader.close()


def wait_for(holds: Callable[[], bool]) -> float:
    """Seconds until a condition holds; fails after a minute."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < 60
        time.sleep(0.01)
    return time.monotonic() - begun


def promote(registry: PromptRegistry, mark: str, text: str = "") -> None:
    registry.promote({ID: text or write_text(mark)}, {ID: f"YES/{mark}"}, WHY)


def test_reads_the_current_text_with_its_snapshot(
    registry: PromptRegistry, prompts: Prompts
) -> None:
    answer = prompts.get(ID, label="production")
    snapshot_id, snapshot = registry.read_current()
    assert answer == (ID, write_text("first"), snapshot.prompts[ID], snapshot_id, "")
    assert prompts.get(ID) is answer  # no work between two changes
    with pytest.raises(UnknownName, match="Did you mean"):
        prompts.get("master_system_cor")
    with pytest.raises(UnknownName):
        prompts.get(ID, label="staging")


def test_a_promotion_and_a_rollback_arrive(registry: PromptRegistry, prompts: Prompts) -> None:
    first, _ = registry.read_current()
    promote(registry, "b")
    wait_for(lambda: prompts.get(ID).text == write_text("b"))
    registry.roll_back(first, WHY)
    wait_for(lambda: prompts.get(ID).snapshot == first)


def test_a_lost_registry_is_stated_and_its_return_too(
    registry: PromptRegistry, prompts: Prompts, tmp_path: Path
) -> None:
    registry.files.root.rename(tmp_path / "away")
    wait_for(lambda: prompts.get(ID).stale_since == "2026-01-02T00:00:00.000Z")
    assert prompts.get(ID).text == write_text("first")
    (tmp_path / "away").rename(registry.files.root)
    wait_for(lambda: not prompts.get(ID).stale_since)


def test_a_label_is_read_and_its_removal_is_stated(
    registry: PromptRegistry, prompts: Prompts
) -> None:
    first, _ = registry.read_current()
    registry.set_label("staging", first, WHY)
    promote(registry, "b")
    wait_for(lambda: prompts.get(ID).text == write_text("b"))
    assert prompts.get(ID, "staging")[1:] == (
        write_text("first"),
        prompts.get(ID, "staging")[2],
        first,
        "",
    )
    registry.set_label("staging", "", WHY)
    wait_for(lambda: prompts.get(ID, "staging").stale_since == "2026-01-02T00:00:00.000Z")
    assert prompts.get(ID, "staging").text == write_text("first")
    assert not prompts.get(ID).stale_since
    assert prompts.list_prompts() == [ID]


SERVES = """
import sys
from queue import SimpleQueue
from prompt_lab.store.prompt_reader import Prompts
changes = SimpleQueue()
prompts = Prompts(sys.argv[1], on_change=lambda: changes.put(1))
print(prompts.get(sys.argv[2]).snapshot, flush=True)
while True:
    changes.get()
    print(prompts.get(sys.argv[2]).snapshot, flush=True)
"""


def test_a_second_process_sees_promotion_and_rollback(
    registry: PromptRegistry, tmp_path: Path
) -> None:
    first, _ = registry.read_current()
    command = [sys.executable, "-c", SERVES, str(tmp_path), ID]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == first
        promote(registry, "b")
        moved = time.monotonic()
        assert reader.stdout.readline().strip() == registry.read_current()[0]
        seen = [time.monotonic() - moved]
        registry.roll_back(first, WHY)
        moved = time.monotonic()
        assert reader.stdout.readline().strip() == first
        seen.append(time.monotonic() - moved)
        reader.kill()
    print(f"seen after {seen} s")  # python -m tests.bench.registry measures it


def test_an_empty_lab_has_no_prompts(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="prompts import"):
        Prompts(tmp_path / "none")


def test_blames_each_line_on_its_promotion(registry: PromptRegistry) -> None:
    first, _ = registry.read_current()
    promote(registry, "b")
    assert [one.row.sequence for one in blame_lines(registry.files, ID)] == [2]
    registry.roll_back(first, WHY)
    assert [one.row.sequence for one in blame_lines(registry.files, ID)] == [1]
    with pytest.raises(UnknownName):
        blame_lines(registry.files, "other")
