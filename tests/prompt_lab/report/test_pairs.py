from prompt_lab.names import Side
from prompt_lab.records import PlanText
from prompt_lab.report.comment import verdict_comment
from prompt_lab.report.page import render_report
from prompt_lab.report.pairs import LONGEST, FlipRow, flip_rows, links, pair_rows
from prompt_lab.report.summary import render_summary
from prompt_lab.report.view import JudgeReason, ReportView
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


def test_what_gold_does_not_say_is_not_marked_as_wrong() -> None:
    """Right by another spelling, and a field beside gold: no mark; a wrong field: its mark."""
    gold = {"answer.json": '{"amount": 18, "vendor": "Nordwind AG"}'}
    right = '{"amount": 18.0, "vendor": "nordwind ag", "currency": "EUR"}'
    wrong = '{"amount": 17, "vendor": "Nordwind AG", "currency": "EUR"}'
    assert _marks(_answered(right, wrong, gold)) == [[], [], ["17"], []]
    escaped = '{"amount": 1.80e1, "vendor": "Nordwind AG", "currency": "EUR"}'
    assert _marks(_answered(escaped, wrong, gold)) == [[], [], ["17"], []]


def test_a_flip_shows_the_messages_that_both_sides_sent() -> None:
    view = samples.full()
    assert view.metrics
    flip = view.metrics.flips[0]
    digests = {flip.baseline_path: ("s1", "u"), flip.candidate_path: ("s2", "u")}
    rows = tuple(
        run.model_copy(
            update={
                "record": run.record.model_copy(
                    update={
                        "sent": run.record.sent.model_copy(
                            update={"messages": digests.get(run.path, ())}
                        )
                    }
                )
            }
        )
        for run in view.rows
    )
    texts = {"s1": "You read invoices.", "s2": "You read <i>amounts</i>.", "u": "Total: 12"}
    told = view.model_copy(update={"rows": rows, "messages": texts})
    shown = [(p.title, p.name) for p in flip_rows(told)[0].panels if p.title.startswith("sent")]
    assert shown == [
        ("sent, baseline", "system"),
        ("sent, candidate", "system"),
        ("sent by both", "user"),
    ]
    assert "You read &lt;i&gt;amounts&lt;/i&gt;." in render_report(told)


def test_a_flip_shows_what_the_judge_said_in_both_orders() -> None:
    view = samples.full()
    assert view.metrics
    flip = view.metrics.flips[0]
    said = JudgeReason(
        model=flip.model,
        plan=flip.plan,
        replicate=flip.replicate,
        baseline_first="<b>The second names the total.</b> verdict: second",
        candidate_first="verdict: first",
    )
    judged = view.model_copy(
        update={
            "judge_reasons": (said,),
            "setup": view.setup.model_copy(update={"judge": "wise"}),
        }
    )
    panels = [panel for panel in flip_rows(judged)[0].panels if panel.title == "judge"]
    assert [panel.name for panel in panels] == ["baseline first", "candidate first"]
    page = render_report(judged)
    assert "&lt;b&gt;The second names the total.&lt;/b&gt; verdict: second" in page
    assert "wise compared the answers" in page
    for text in (render_summary(judged), verdict_comment(judged)):
        assert "share of pairs that it prefers" in " ".join(text.split())


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
