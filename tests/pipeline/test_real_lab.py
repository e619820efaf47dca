"""A real lab that another tool made over 53 analyses, where a copy of it lies beside the clone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prompt_lab.analyze.findings import AnalystFinding, parse_findings
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics, OpeningPhrase
from prompt_lab.evaluate.answered import number_replicates
from prompt_lab.names import Side
from prompt_lab.records import RunRow
from prompt_lab.store.counters import claim_run_folder, iterations
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import foreign_analyses, irregular_analyses
from prompt_lab.store.planexe.runs import ENDED, irregular_runs, read_batch_of, run_folders
from tests.pipeline.terminal import Said
from tests.pipeline.test_ledger import digests, on
from tests.pipeline.world import World

REAL = Path(__file__).parents[3] / "shared" / "data" / "planexe_lab"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no real lab beside the clone")
MakeWorld = Callable[..., World]
LLAMA, GAME = "ollama-llama3.1", "20260310_hong_kong_game"
BEFORE, AFTER = range(182, 189), range(189, 196)


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab(REAL)


@pytest.fixture(scope="module")
def metrics(lab: Lab) -> Metrics:
    folders = run_folders(lab)
    sides = ((Side.BASELINE, BEFORE), (Side.CANDIDATE, AFTER))
    rows: list[RunRow] = []
    for side, numbers in sides:
        rows += [row for n in numbers for row in read_batch_of(lab, folders[n], side).rows]
    return measure(number_replicates(rows), {}, ENDED)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(REAL, tmp_path_factory.mktemp("real") / "lab"))


def test_every_run_folder_and_analysis_is_read_and_every_odd_one_told_once(lab: Lab) -> None:
    folders, analyses = run_folders(lab), foreign_analyses(lab)
    assert len(folders) == len(list(lab.history.glob("*/*"))) == 376
    assert [one.number for one in analyses] == list(range(53))
    odd = {one.path: one.faults for one in (*irregular_runs(lab), *irregular_analyses(lab))}
    told = [one.path for one in (*irregular_runs(lab), *irregular_analyses(lab))]
    assert len(told) == len(odd)
    assert all(odd.values())
    for folder in folders.values():
        missing = [n for n in ("outputs.jsonl", "events.jsonl", "outputs") if not _has(folder, n)]
        assert not missing or lab.relative(folder) in odd
    for one in analyses:
        if not (lab.root / one.path / "assessment.md").exists():
            assert "no assessment.md" in odd[one.path]
    assert odd["history/0/24_identify_potential_levers"] == (
        "no outputs.jsonl",
        "plans began and never ended",
    )


def test_as_many_runs_ended_before_as_after(metrics: Metrics) -> None:
    for side in (metrics.totals.baseline, metrics.totals.candidate):
        assert side is not None
        assert (side.n, side.ok) == (35, 34)


def test_an_opener_went_and_another_one_took_its_place(metrics: Metrics) -> None:
    gone, came = _opener(metrics, "This lever"), _opener(metrics, "The options")
    assert (gone.baseline_count, gone.baseline_total) == (15, 15)
    assert (gone.candidate_count, gone.candidate_total) == (0, 16)
    assert (came.baseline_count, came.baseline_total) == (0, 15)
    assert (came.candidate_count, came.candidate_total) == (13, 16)


def test_two_options_instead_of_three_are_an_error_of_one_plan(metrics: Metrics) -> None:
    (error,) = [one for one in metrics.errors if "options" in one.kind]
    assert "options must have exactly 3 items, got 2" in error.example
    assert (error.side, error.model) == (Side.BASELINE, LLAMA)
    assert error.plans == ("20250329_gta_game",)


@pytest.mark.slow
def test_compare_says_so_in_its_assessment(make_world: MakeWorld, copy: Path) -> None:
    said = _on(make_world, copy, "Compare", "--before", "182-188", "--after", "1/89-1/95")
    assert said.code == 0, said.err
    assert "runs ok   34 of 35 -> 34 of 35" in said.out
    page = (copy / "compare/182-188_189-195/assessment.md").read_text()
    assert "| runs ok | 34 of 35 | 34 of 35 |" in page
    went = next(line for line in page.splitlines() if "Opening phrase 'This lever'" in line)
    assert f"({GAME}: 15 of 15 → 0 of 16)" in went[went.index(LLAMA) :]
    came = next(line for line in page.splitlines() if "Opening phrase 'The options'" in line)
    assert f"({GAME}: 0 of 15 → 13 of 16)" in came[came.index(LLAMA) :]
    error = next(line for line in page.splitlines() if "options must have exactly 3" in line)
    assert "on 20250329_gta_game" in error
    assert "got 2" in error
    assert page.index("## What got better") < page.index(error) < page.index("## What got worse")
    found = parse_findings((copy / "compare/182-188_189-195/insight_metrics.md").read_text())
    assert any(one.kind == "opener" and one.model == LLAMA for one in found or ())
    assert all(isinstance(one, AnalystFinding) for one in found or ())


@pytest.mark.slow
def test_its_ledger_has_a_line_and_a_page_for_every_analysis(
    make_world: MakeWorld, copy: Path
) -> None:
    before = digests(copy)
    said = _on(make_world, copy, "Ledger")
    assert said.code == 0, said.err
    assert "53 iterations, 53 of another tool" in said.out
    assert len(list((copy / "pages").glob("*.html"))) == 53
    index = (copy / "index.html").read_text()
    assert "20 of 35" in index or "34 of 35" in index
    assert index.count('href="https://github.com/') >= 40
    after = digests(copy)
    assert {name: after[name] for name in before} == before
    assert not (copy / ".git").exists()
    listed = (copy / "irregular.md").read_text().splitlines()
    assert sum(line.startswith("- ") for line in listed) == 377


def test_its_counters_go_on(copy: Path) -> None:
    lab = Lab(copy)
    highest = max(run_folders(lab))
    assert claim_run_folder(lab, "s")[0] == highest + 1
    assert max(iterations(lab)) == 52


def _has(folder: Path, name: str) -> bool:
    return (folder / name).exists()


def _on(make_world: MakeWorld, root: Path, *args: str) -> Said:
    return on(make_world(train=1, verify=1, scout=1), root, *args)


def _opener(metrics: Metrics, phrase: str) -> OpeningPhrase:
    (found,) = [
        one
        for one in metrics.openers
        if (one.model, one.plan, one.phrase) == (LLAMA, GAME, phrase) and "review" in one.field
    ]
    return found
