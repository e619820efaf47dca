"""Analyses of another tool: titles, pull requests, verdicts in words, and what is missing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.names import Outcome
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import foreign_analyses, irregular_analyses, read_verdict
from tests.prompt_lab.store.planexe import other_tool


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return other_tool.small_lab(tmp_path / "lab")


def test_an_analysis_tells_its_change_and_its_verdict(lab: Lab) -> None:
    none, kept, dropped = foreign_analyses(lab)
    assert (none.verdict.outcome, none.title, none.pull) == (None, "", None)
    assert (kept.verdict.outcome, kept.verdict.why) == (Outcome.YES, "it works.")
    assert (kept.pull, kept.title) == (7, "Say <more>")
    assert kept.cited == ("0/02_find_levers", "0/03_find_levers")
    assert (dropped.verdict.outcome, dropped.title) == (Outcome.NO, "try-two")
    assert list(dropped.documents) == ["assessment.md", "synthesis.md"]


def test_what_is_missing_is_told_once(lab: Lab) -> None:
    other_tool.analysis(lab, 3, [2, 77], "## Verdict\n\nYES")
    meta = other_tool.analysis(lab, 4, [2], "## Verdict\n\nYES") / "meta.json"
    meta.write_text("{")
    found = {one.path: one.faults for one in irregular_analyses(lab)}
    assert found == {
        "analysis/0_find_levers": ("no assessment.md",),
        "analysis/3_find_levers": ("cites run folders that are not there: 0/77_find_levers",),
        "analysis/4_find_levers": ("meta.json is no JSON object", "meta.json cites no run folders"),
    }


@pytest.mark.parametrize("cited", ["../../etc", "0/../0/02_find_levers", "\0", 7, None, ["x"]])
def test_a_citation_never_leads_out_of_history(lab: Lab, cited: object) -> None:
    folder = other_tool.analysis(lab, 3, [])
    other_tool.put(folder / "meta.json", {"history": [cited]})
    assert foreign_analyses(lab)[3].cited == ()


@pytest.mark.parametrize(
    ("text", "outcome", "why"),
    [
        ("## Verdict\n\n**YES**: good.\n\n## Next\nNO", Outcome.YES, "good."),
        ("## Verdict: NO\n\nA disaster.", Outcome.NO, "A disaster."),
        ("### VERDICT\n**CONDITIONAL** — once\nmended.", Outcome.CONDITIONAL, "once mended."),
        ("# Verdict: KEEP", Outcome.YES, ""),
        ("## Verdict\n\nPending.\n\n## Next\n\nYES", None, ""),
        ("It is a YES.", None, ""),
        (
            "## Verdict\n\n**CONDITIONAL**: mend it.\n\n## INVALID EXPERIMENT\n\nIt ran main.\n",
            Outcome.INVALID,
            "It ran main.",
        ),
        ("", None, ""),
    ],
)
def test_a_verdict_is_read_where_it_is_headed_so(
    text: str, outcome: Outcome | None, why: str
) -> None:
    assert read_verdict(text) == (outcome, why, "")


@given(st.text(alphabet="#VerdictYESNO*:-\n ", max_size=80))
def test_any_text_has_a_verdict_or_none(text: str) -> None:
    assert read_verdict(text).outcome in (*Outcome, None)


def test_a_comparison_is_the_verdict_where_the_assessment_has_none(lab: Lab) -> None:
    folder = other_tool.analysis(lab, 3, [2])
    told = "## Overall Verdict\n\n**WORSE**: two models fail.\n\nOne is BETTER.\n"
    (folder / "baseline_comparison.md").write_text(told)
    assert foreign_analyses(lab)[3].verdict == (None, "two models fail.", "WORSE")
    (folder / "assessment.md").write_text("## Verdict\n\nNO\n")
    assert foreign_analyses(lab)[3].verdict.outcome is Outcome.NO
