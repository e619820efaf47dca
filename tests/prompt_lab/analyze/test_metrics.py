"""Counts of runs: sides, cells, flips, errors, lengths, equal outputs."""

import pytest

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.tables import summary
from prompt_lab.names import Side
from prompt_lab.records import Usage
from tests.prompt_lab.analyze.making import both, by_name, plan_text, prompt, row


def test_sides_are_counted_apart() -> None:
    cheap = Usage(calls=1, input_tokens=10, output_tokens=5, cost_usd=0.5, retries=2)
    rows = [
        row(Side.BASELINE, "p1", {"total": "1"}, score=0.5, duration_seconds=1.0),
        row(Side.BASELINE, "p2", {"total": "1"}, score=1.0, duration_seconds=3.0, usage=cheap),
        row(Side.CANDIDATE, "p1", None, error=("timeout", "no answer in 60 s")),
        row(Side.CANDIDATE, "p2", None, error=("timeout", "no answer in 60 s")),
    ]
    metrics = measure(rows, {}, "total")
    before, after = metrics.totals.baseline, metrics.totals.candidate
    assert before is not None
    assert after is not None
    assert (before.n, before.ok, before.primary, before.latency_median) == (2, 2, 0.75, 2.0)
    assert (before.input_tokens, before.retries) == (110, 2)
    assert before.cost_usd == pytest.approx(0.501)
    assert (after.n, after.errors, after.valid, after.primary) == (2, 2, 0.0, 0.0)


def test_both_sides_are_measured_over_the_same_pairs() -> None:
    """A candidate that has lost the runs that it would fail is no better for it."""
    rows = [row(Side.BASELINE, f"p{n}", {"a": 1}, score=float(n < 6)) for n in range(10)]
    rows += [row(Side.CANDIDATE, f"p{n}", {"a": 1}, score=1.0) for n in range(6)]
    metrics = measure(rows, {}, "total")
    (stats,) = metrics.models
    assert metrics.lost == 4
    for side in (stats.baseline, stats.candidate, metrics.totals.baseline):
        assert side is not None
        assert (side.n, side.primary) == (6, 1.0)
    assert "| pairs without one side | 4 | 4 | left out |" in summary(metrics)
    assert len(metrics.cells) == 6


def test_nothing_is_left_out_where_no_pair_is_whole() -> None:
    alone = [row(Side.BASELINE, f"p{n}", {"a": 1}, score=1.0) for n in range(3)]
    metrics = measure(alone, {}, "total")
    assert metrics.totals.baseline is not None
    assert (metrics.lost, metrics.totals.baseline.n) == (0, 3)


def test_cells_mean_replicates_and_leave_missing_ones_open() -> None:
    rows = [
        row(Side.BASELINE, "p1", {"a": 1}, score=0.0),
        row(Side.BASELINE, "p1", {"a": 1}, score=1.0, replicate=1),
        row(Side.CANDIDATE, "p2", {"a": 1}, score=1.0),
    ]
    first, second = measure(rows, {}, "total").cells
    assert (first.plan, first.baseline, first.candidate, first.n_baseline) == ("p1", 0.5, None, 2)
    assert (second.plan, second.baseline, second.candidate) == ("p2", None, 1.0)


def test_flips_go_both_ways_with_their_folders() -> None:
    rows = [
        row(Side.BASELINE, "up", {"a": 1}, score=0.0),
        row(Side.CANDIDATE, "up", {"a": 2}, score=1.0),
        row(Side.BASELINE, "down", {"a": 1}, score=1.0),
        row(Side.CANDIDATE, "down", {"a": 2}, score=0.9),
        row(Side.BASELINE, "broke", {"a": 1}, score=0.0),
        row(Side.CANDIDATE, "broke", None, error=("invalid_json", "Expecting value")),
        *both("same", {"a": 1}, {"a": 2}, score=0.4),
    ]
    flips = measure(rows, {}, "total").flips
    assert {flip.plan: flip.better for flip in flips} == {"up": True, "down": False, "broke": False}
    assert flips[0].baseline_path == "history/0/00_extract/outputs/up"
    assert flips[0].candidate_path == "history/0/01_extract/outputs/up"


def test_errors_are_counted_by_kind_with_one_verbatim() -> None:
    rows = [
        row(Side.CANDIDATE, f"p{n}", None, error=("missing_field", f"no 'total' in answer {n}"))
        for n in range(3)
    ]
    (error,) = measure(rows, {}, "total").errors
    assert (error.kind, error.count, error.plans) == ("missing_field", 3, ("p0", "p1", "p2"))
    assert error.example == "no 'total' in answer 0"
    assert error.path == rows[0].path


def test_lengths_compare_pairs_and_gold() -> None:
    plans = by_name([plan_text("p1", "in", {"t": "abcd"}), plan_text("p2", "in", {"t": "abcd"})])
    rows = [
        *both("p1", {"t": "ab"}, {"t": "abcdef"}),
        row(Side.BASELINE, "p2", {"t": "abcdefgh"}),
    ]
    field = next(one for one in measure(rows, plans, "total").lengths if one.field == "t")
    assert (field.baseline_chars, field.candidate_chars, field.ratio) == (2, 6, 3.0)
    assert (field.gold_chars, field.baseline_to_gold, field.candidate_to_gold) == (4, 0.5, 1.5)


def test_outputs_that_differ_in_ids_and_times_alone_are_equal() -> None:
    first = {"id": "cf54dda8-3b87-46a5-bb21-157c749a4c3d", "at": "2026-01-01T00:00:00Z", "a": 1}
    other = {"id": "99fa838c-18f3-4569-9dd4-08ad24a7a5fa", "at": "2026-01-02T08:00:00Z", "a": 1}
    (same,) = measure([*both("p1", first, other), *both("p2", first, {"a": 2})], {}, "x").identical
    assert (same.count, same.pairs) == (1, 2)


def test_one_side_and_plain_text_are_enough() -> None:
    metrics = measure([row(Side.BASELINE, "p1", "Plain text.")], {}, "total")
    assert metrics.sides == (Side.BASELINE,)
    assert not metrics.flips
    assert not metrics.agreement


def test_no_rows_at_all() -> None:
    metrics = measure([], {}, "total")
    assert metrics.sides == ()
    assert metrics.models == ()


def test_the_record_survives_json() -> None:
    plans = by_name([plan_text("p1", "Pay 12 EUR", {"total": "12"})])
    prompts = {Side.BASELINE: prompt("Say it."), Side.CANDIDATE: prompt("Say the total.")}
    metrics = measure(both("p1", {"total": "12"}, {"total": "13"}), plans, "total", prompts)
    assert Metrics.model_validate_json(metrics.model_dump_json()) == metrics
    assert metrics.prompt_tokens == {Side.BASELINE: 2, Side.CANDIDATE: 4}
