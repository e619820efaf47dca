from prompt_lab.names import Side
from prompt_lab.records import PlanText
from prompt_lab.report.pairs import LONGEST, FlipRow, flip_rows, links, pair_rows
from prompt_lab.report.view import ReportView
from tests.prompt_lab.report import samples


def _answered(baseline: str, candidate: str, gold: dict[str, str]) -> FlipRow:
    """The first flip of the sample with these texts."""
    view = samples.full()
    assert view.metrics
    flip = view.metrics.flips[0]
    texts = {flip.baseline_path: baseline, flip.candidate_path: candidate}
    rows = tuple(
        run.model_copy(update={"outputs": {"answer.json": texts.get(run.path, "")}})
        for run in view.rows
    )
    plans = {flip.plan: PlanText(name=flip.plan, inputs={"in.txt": "input"}, gold=gold)}
    return flip_rows(view.model_copy(update={"rows": rows, "plans": plans}))[0]


def _marks(row: FlipRow) -> list[list[str]]:
    return [[span.text for span in panel.spans if span.changed] for panel in row.panels]


def test_answers_are_marked_against_gold() -> None:
    row = _answered("total 12 EUR", "total 15 EUR", {"answer.json": "total 15 EUR"})
    assert _marks(row) == [[], ["12"], [], []]


def test_answers_far_from_gold_are_marked_against_each_other() -> None:
    row = _answered("one red house", "one blue house", {"answer.json": "nothing alike here"})
    assert _marks(row) == [[], ["red"], ["blue"], []]


def test_without_gold_answers_are_marked_against_each_other() -> None:
    assert _marks(_answered("a b", "a c", {})) == [[], ["b"], ["c"]]


def test_a_long_text_is_cut_and_says_so() -> None:
    row = _answered("x " * LONGEST, "", {})
    assert row.panels[1].cut == f"the first {LONGEST:,} of {2 * LONGEST:,} characters"
    assert sum(len(span.text) for span in row.panels[1].spans) == LONGEST
    assert row.panels[2].note == "no output"


def test_an_error_is_told_beside_its_text() -> None:
    rows = [row for row in flip_rows(samples.full()) if any(p.note for p in row.panels)]
    assert rows
    assert any("invalid_json: Expecting value" in p.note for row in rows for p in row.panels)


def test_pairs_hold_both_sides_or_one() -> None:
    view: ReportView = samples.full()
    assert all(pair.baseline and pair.candidate for pair in pair_rows(view.rows))
    left = [run for run in view.rows if run.record.side is Side.BASELINE]
    assert all(pair.change is None for pair in pair_rows(left))


def test_a_cell_leads_to_the_flip_rather_than_to_the_pair() -> None:
    view = samples.full()
    flips, pairs = flip_rows(view), pair_rows(view.rows)
    found = links(flips, pairs)
    assert found[flips[0].flip.model, flips[0].flip.plan] == "#flip-1"
    assert len(found) == 40
