"""Failure modes grow by iterations, keep their evidence, and say when they were gone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.failure_modes import (
    MOST,
    FailureMode,
    Instructions,
    merge_modes,
    modes_of,
    modes_told,
    parse_instructions,
    render_instructions,
    standing_modes,
)
from prompt_lab.analyze.findings import AnalystFinding
from prompt_lab.errors import StoreError
from prompt_lab.names import Side

PATH = "12 of 40 (history/0/01_extract/outputs/p1)"


def _finding(kind: str = "field", about: str = "amount", **more: object) -> AnalystFinding:
    facts = {"text": f"{about} is wrong", "evidence": (PATH,), "side": Side.BASELINE, **more}
    return AnalystFinding(kind=kind, about=about, **facts)


def _modes(
    iteration: int, *findings: AnalystFinding, analyst: str = "metrics"
) -> tuple[FailureMode, ...]:
    return modes_of({analyst: findings}, Side.BASELINE, iteration)


def test_failures_of_the_side_that_stays_become_modes_with_their_evidence() -> None:
    [mode] = _modes(
        3,
        _finding(),
        _finding(kind="score"),
        _finding(about="date", side=Side.CANDIDATE),
        _finding(about="name", evidence=()),
    )
    assert (mode.about, mode.seen, mode.evidence) == ("amount", (3,), (PATH,))


def test_another_analyst_is_heard_too_unless_it_praises() -> None:
    found = _modes(
        1,
        _finding(kind="tone", says="worse"),
        _finding(kind="tone", about="x", says="better"),
        _finding(kind="unparsed"),
        analyst="claude",
    )
    assert [(mode.kind, mode.about, mode.analyst) for mode in found] == [
        ("tone", "amount", "claude")
    ]


def test_one_failing_analyst_does_not_stop_it() -> None:
    assert modes_of({"metrics": (_finding(),), "codex": None}, Side.BASELINE, 1)


def test_what_is_seen_again_is_renewed_and_what_is_gone_stays_with_its_date() -> None:
    one = _modes(1, _finding(), _finding(about="date"))
    two = merge_modes(one, _modes(2, _finding(text="still wrong")), 2)
    assert [(m.about, m.seen, m.gone_since) for m in two] == [
        ("amount", (1, 2), None),
        ("date", (1,), 2),
    ]
    assert two[0].text == "still wrong"
    three = merge_modes(two, _modes(3, _finding(about="date")), 3)
    assert [(m.about, m.seen, m.gone_since) for m in three] == [
        ("date", (1, 3), None),
        ("amount", (1, 2), 3),
    ]
    assert [m.about for m in standing_modes(three)] == ["date"]


def test_the_page_shows_evidence_and_reads_back() -> None:
    modes = merge_modes(_modes(1, _finding(), _finding(about="date")), _modes(2, _finding()), 2)
    known = Instructions(step="extract", iterations=(1, 2), modes=modes)
    page = render_instructions(known)
    assert parse_instructions(page) == known
    shown, _, rest = page.partition("## Seen before, no longer seen")
    assert "amount is wrong (metrics; iterations 1, 2)" in shown
    assert "history/0/01" in shown
    assert "date is wrong (metrics; iterations 1; gone since iteration 2)" in rest
    many = tuple(_modes(1, *[_finding(kind=f"k{n}", says="worse") for n in range(20)], analyst="x"))
    assert f"and {20 - MOST} more" in modes_told(many)


@pytest.mark.parametrize(
    "text", ["", "# Instructions\n", "```json\n{}\n```\n", "```json\n[1\n```\n"]
)
def test_a_page_without_its_record_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="no ```json block"):
        parse_instructions(text)


_ABOUT = st.lists(st.text(max_size=8), max_size=4)


@given(_ABOUT, _ABOUT)
def test_growing_forgets_nothing_and_counts_an_iteration_once(
    first: list[str], second: list[str]
) -> None:
    one = merge_modes((), _modes(1, *[_finding(about=a) for a in first]), 1)
    now = _modes(2, *[_finding(about=a) for a in second])
    two = merge_modes(one, now, 2)
    assert {m.key for m in one} <= {m.key for m in two}
    assert merge_modes(two, now, 2) == two
    known = Instructions(step="s", iterations=(1, 2), modes=two)
    assert parse_instructions(render_instructions(known)) == known
