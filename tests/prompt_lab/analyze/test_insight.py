"""The analyst's page, and its findings read back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.findings import UNPARSED, AnalystFinding, is_parsed, render_findings
from prompt_lab.analyze.insight import parse_findings, render_insight
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.statements import statements
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import both, by_name, plan_text, row

FINDINGS = st.builds(
    AnalystFinding,
    kind=st.text(min_size=1),
    text=st.text(min_size=1),
    evidence=st.lists(st.text()).map(tuple),
    side=st.none() | st.sampled_from(Side),
    model=st.text(),
    about=st.text(),
    says=st.sampled_from(["", "better", "worse", "same"]),
    weight=st.floats(0, 1),
)


def _metrics() -> Metrics:
    plans = by_name([plan_text(f"p{n}", f"Order {n}, pay 9{n}", {"t": f"9{n}"}) for n in range(3)])
    rows = [
        *both("p0", {"t": "0"}, {"t": "90"}),
        *both("p1", {"t": "91"}, {"t": "91"}),
        row(Side.BASELINE, "p2", {"t": "92"}),
        row(Side.CANDIDATE, "p2", None, error=("invalid_json", "Expecting | `value`\n```")),
    ]
    return measure(rows, plans, "total")


@given(st.lists(FINDINGS).map(tuple))
def test_findings_come_back_as_they_were(findings: tuple[AnalystFinding, ...]) -> None:
    assert parse_findings(f"# Page\n\n{render_findings(findings)}\n") == findings


@given(st.text())
def test_what_does_not_parse_is_kept_and_marked(page: str) -> None:
    (kept,) = parse_findings(page)
    assert kept.kind == UNPARSED
    assert kept.text == (page or "(empty)")
    assert not is_parsed((kept,))


def test_a_block_with_a_wrong_type_is_not_half_read() -> None:
    body = json.dumps({"findings": [{"kind": "x", "text": "y", "weight": "heavy"}]})
    assert not is_parsed(parse_findings(f"```json\n{body}\n```"))


def test_the_page_has_its_numbers_and_its_findings() -> None:
    metrics = _metrics()
    page = render_insight(metrics, iteration=3, step="extract")
    assert parse_findings(page) == statements(metrics)
    assert "| worse | small | p2 | 0 | 1.000 → 0.000 |" in page
    assert "Expecting | `value`\n```\n````" in page
    assert "history/0/01_extract/outputs/p2" in page


def test_every_finding_has_evidence_with_a_number() -> None:
    for finding in statements(_metrics()):
        assert any(char.isdigit() for part in finding.evidence for char in part), finding


def test_one_side_alone_makes_a_page_too() -> None:
    metrics = measure([row(Side.BASELINE, "p", {"t": "1"}, score=0.0)], {}, "total")
    page = render_insight(metrics, iteration=1, step="extract")
    assert "nothing to compare with yet" in page
    assert is_parsed(parse_findings(page))


def test_no_runs_make_a_page_too() -> None:
    assert render_insight(measure([], {}, "total"), iteration=1, step="extract")
