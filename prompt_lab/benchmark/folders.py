"""Where benchmarks and routing lie in a lab, and the benchmarks that are there."""

from pathlib import Path

from prompt_lab.benchmark.records import BenchmarkResults
from prompt_lab.errors import StoreError
from prompt_lab.store.counters import numbered
from prompt_lab.store.files import disk_errors, read_if_whole, write_record
from prompt_lab.store.layout import Lab

RESULTS = "results.json"
OPEN = "open.json"
FEEDBACK = "harness_feedback.json"
ROUTING = "routing_config.json"
DECISIONS = "routing_decisions.jsonl"
WARM_UP = "WARM_UP_VALIDATION_RESULTS.json"


def benchmarks_folder(lab: Lab) -> Path:
    """The folder of all benchmarks."""
    return lab.root / "benchmarks"


def routing_folder(lab: Lab) -> Path:
    """The folder of the routing table and its audit trail."""
    return lab.root / "routing"


def claim_benchmark(lab: Lab, name: str) -> tuple[int, Path]:
    """The next number and its new folder, claimed atomically."""
    root = benchmarks_folder(lab)
    taken = [number for number, _ in numbered(root)]
    number = max(taken, default=0) + 1
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                (root / f".{number}").mkdir()
                break
            except FileExistsError:
                number += 1
        folder = root / f"{number}_{name}"
        folder.mkdir()
    return number, folder


def write_results(lab: Lab, results: BenchmarkResults) -> Path:
    """Write results.json of a benchmark. Returns its path."""
    path = benchmarks_folder(lab) / f"{results.number}_{results.suite}" / RESULTS
    write_record(path, results)
    return path


def read_all_results(lab: Lab) -> list[BenchmarkResults]:
    """Every finished benchmark, oldest first; what cannot be read is passed over."""
    root = benchmarks_folder(lab)
    found = (
        read_if_whole(root / f"{number}_{name}" / RESULTS, BenchmarkResults)
        for number, name in numbered(root)
    )
    return [one for one in found if one is not None]


def read_results(lab: Lab, number: int) -> BenchmarkResults:
    """The results of one benchmark. Raises StoreError."""
    for results in read_all_results(lab):
        if results.number == number:
            return results
    raise StoreError(f"{benchmarks_folder(lab)}: there is no finished benchmark {number}")
