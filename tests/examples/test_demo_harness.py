"""`make demo-harness` on the embedded model does what its lines say, and goes on when run again."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from prompt_lab.benchmark.cycle_records import CycleResults
from prompt_lab.benchmark.folders import WARM_UP, read_all_results
from prompt_lab.store.files import read_record
from prompt_lab.store.layout import Lab

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.model]
ROOT = Path(__file__).parents[2]
MOST_CALLS = 450


def demo(lab: Path) -> str:
    done = subprocess.run(
        ["make", "demo-harness", f"HARNESS={lab}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_measures_blocks_forces_and_obeys(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    said = demo(lab)
    results = read_all_results(Lab(lab))
    assert {row.model for row in results[0].models} == {"smollm2", "smollm2-warm", "smollm2-short"}
    assert all(len(row.repeats) == 2 for row in results[0].models)
    assert len(list((lab / "history").glob("*/*/outputs/*/run.json"))) <= MOST_CALLS
    [warm_up] = [json.loads(path.read_text()) for path in lab.glob(f"benchmarks/*/{WARM_UP}")]
    assert warm_up["starts"] == 5
    assert warm_up["p_value"] is None or warm_up["p_value"] >= 2**-5
    _check_cycles(lab)
    decisions = _decisions(lab)
    kinds = [row["decision"] for row in decisions if row["original_model"] == "smollm2-short"]
    assert kinds[-3:] == ["blocked", "forced", "routed"]
    assert "the environment variable ANTHROPIC_API_KEY" in said
    assert "Blocked: smollm2-short on extended" in said
    assert "META_LEARNINGS.md" in said
    again = demo(lab)
    assert (lab / "benchmarks/cycles/CYCLE_4_RESULTS.json").exists()
    assert "Cycle 4" in again


def _check_cycles(lab: Path) -> None:
    """The first cycle's rule keeps its baseline away, and the second runs the fallback."""
    folder = lab / "benchmarks/cycles"
    one, two = (read_record(folder / f"CYCLE_{n}_RESULTS.json", CycleResults) for n in (1, 2))
    assert (one.ran, two.ran) == ("smollm2-short", "smollm2-warm")
    assert "smollm2-short::extended" in one.blocked
    for cycle in (one, two):
        assert cycle.outcome in ("YES", "NO", "CONDITIONAL")
        assert cycle.p_value is not None
    assert "smollm2-short::extended" in (folder / "report.html").read_text()


def _decisions(lab: Path) -> list[dict[str, Any]]:
    text = (lab / "routing/routing_decisions.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
