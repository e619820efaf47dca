"""A served lab and its readers: changes reach them, and what is out of reach is said."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from adapters.registry.http_prompts import HttpPrompts
from pipeline.web.keys import WebKeys
from prompt_lab import Prompts, open_promptops
from prompt_lab.errors import RegistryError, UnknownName
from prompt_lab.store.files import read_rows
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.pipeline.web.labs import HOSTILE, ID, make_lab, why, write_text
from tests.pipeline.web.served import serving
from tests.processes import until

pytestmark = pytest.mark.slow
READERS = 20


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served") / "lab"


@pytest.fixture(scope="module")
def registry(lab: Path) -> PromptRegistry:
    return make_lab(lab)


@pytest.fixture(scope="module")
def address(registry: PromptRegistry, lab: Path) -> Iterator[str]:
    """One server for all tests here: its start takes most of their time."""
    with serving(lab) as (address, _):
        yield address


def roll_back_and_forth(
    address: str, registry: PromptRegistry, times: int, limit: float
) -> list[float]:
    """Seconds until all readers had each of the rollbacks."""
    ids = [registry.files.read_journal()[at].to_snapshot for at in (0, 1)]
    taken = []
    with ExitStack() as stack:
        readers = [stack.enter_context(HttpPrompts(address)) for _ in range(READERS)]
        for reader in readers:
            assert reader.get(ID).text
        for number in range(times):
            snapshot = ids[number % 2]
            registry.roll_back(snapshot, why(f"back {number}", 9))
            begun = time.monotonic()
            until(lambda: all(r.get(ID).snapshot == snapshot for r in readers), limit)  # noqa: B023
            taken.append(time.monotonic() - begun)
    return taken


def test_a_rollback_reaches_twenty_readers(address: str, registry: PromptRegistry) -> None:
    taken = roll_back_and_forth(address, registry, 2, 60)
    print(f"slowest of {len(taken)} rollbacks at {READERS} readers: {max(taken):.3f} s")


@pytest.mark.long
def test_a_hundred_rollbacks_each_reach_twenty_readers_within_a_second(
    address: str, registry: PromptRegistry
) -> None:
    taken = roll_back_and_forth(address, registry, 100, 60)
    assert max(taken) <= 1.0


def test_a_reader_makes_no_call_between_changes(address: str) -> None:
    with HttpPrompts(address) as prompts:
        first = prompts.get(ID)
        assert prompts.get(ID) is first
        assert prompts.list_prompts() == [ID, "query"]
        for name, label in (("none", "production"), (ID, "none")):
            with pytest.raises(UnknownName):
                prompts.get(name, label)


def test_the_same_call_reads_a_folder_or_an_address(
    address: str, registry: PromptRegistry, lab: Path
) -> None:
    for place in (address, lab, str(lab)):
        prompts = Prompts(place)
        assert prompts.get("query", label="production").text == registry.read_text("query")
        prompts.close()


def test_a_server_that_is_down_is_said_until_it_is_back(tmp_path: Path) -> None:
    registry = make_lab(tmp_path / "lab")
    with ExitStack() as stack:
        with serving(tmp_path / "lab") as (address, _):
            prompts = stack.enter_context(HttpPrompts(address))
            assert prompts.get(ID).stale_since == ""
        until(lambda: prompts.get(ID).stale_since, 30)
        assert prompts.get(ID).text == write_text(HOSTILE)
        with pytest.raises(RegistryError, match="cannot read prompts"):
            prompts.get("query")
        first = registry.files.read_journal()[0].to_snapshot
        registry.roll_back(first, why("while it was down", 9))
        port = address.rpartition(":")[2]
        with serving(tmp_path / "lab", "--port", port):
            until(lambda: not prompts.get(ID).stale_since, 60)
            assert prompts.get(ID).text == write_text("first")
    with pytest.raises(RegistryError, match="cannot read prompts"):
        HttpPrompts(address)


def test_a_label_that_was_removed_is_said(address: str, registry: PromptRegistry) -> None:
    first = registry.files.read_journal()[0].to_snapshot
    registry.set_label("old", first, why("for the night shift", 9))
    with HttpPrompts(address) as prompts:
        until(lambda: "old" in httpx.get(f"{address}/api/v1/prompts?label=old").text, 30)
        assert prompts.get(ID, "old").text == write_text("first")
        registry.set_label("old", "", why("no longer", 9))
        until(lambda: prompts.get(ID, "old").stale_since, 30)
        assert prompts.get(ID, "old").text == write_text("first")
        assert prompts.get(ID).stale_since == ""


def test_elsewhere_than_on_loopback_readers_need_a_key(registry: PromptRegistry, lab: Path) -> None:
    key = WebKeys(Lab(lab)).add("shop", "reader", "now")
    with serving(lab, "--host", "0.0.0.0") as (shown, _):
        address = shown.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(RegistryError, match="401"):
            HttpPrompts(address)
        with HttpPrompts(address, key=key) as prompts:
            assert prompts.get(ID).id == ID


def test_a_port_in_use_is_one_sentence(address: str, lab: Path) -> None:
    port = address.rpartition(":")[2]
    with serving(lab, "--port", port) as (line, process):
        assert line == ""
        assert process.wait(60) == 1


def test_the_contract_is_served_to_a_program_that_knows_the_address(
    address: str, registry: PromptRegistry, lab: Path
) -> None:
    service = open_promptops(address, budget_ms=60_000.0)
    got = service.prepare("query", "Where is the press?", {"intent": "question"})
    service.record_outcome(got.trace, success=True, latency_ms=1.0)
    service.close()
    assert (got.applied, got.prompt_id, got.reason) == (True, "query", "")
    path = lab / "promptops" / "metrics.jsonl"
    until(lambda: [row["trace"] for row in read_rows(path)] == [got.trace] * 2)
