"""An analyst's answer: taken, sent back with a reason, kept as text, or recorded as failed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.agents.refusals import Fault, Refusal
from prompt_lab.agents.requests import Proposal, parse_proposal
from prompt_lab.agents.views import MOST_FINDINGS, backed, fault_of, is_failed, rendered
from prompt_lab.analyze.findings import AnalystFinding, is_parsed, parse_findings

RUNS = ["history/0/01_step/outputs/one", "history/0/02_step/outputs/two"]


def answer(*evidence: str, **more: object) -> str:
    one = {"kind": "tone", "text": "Shorter.", "evidence": evidence, **more}
    return f"I looked.\n```json\n{json.dumps({'findings': [one]})}\n```\n"


def code_of(text: str, runs: list[str] | None = RUNS) -> str | None:
    fault = fault_of(text, runs)
    return fault.code if fault else None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (answer(f"0 of 4 before: {RUNS[0]}"), None),
        (answer("no number", f"4: {RUNS[1]}"), None),
        (answer(f"better: {RUNS[0]}"), "no_evidence"),
        (answer("0 of 4 before"), "no_evidence"),
        (answer("0 of 4: history/0/09_step/outputs/made_up"), "no_evidence"),
        (answer(), "no_evidence"),
        ("All is well.", "no_block"),
        ("", "no_block"),
        ("```json\n[]\n```", "bad_block"),
        ('```json\n{"findings": []}\n```', "bad_block"),
        ('```json\n{"findings": [], "also": 1}\n```', "bad_block"),
        (answer("1", weight=7), "bad_block"),
        (answer("1", says="splendid"), "bad_block"),
    ],
)
def test_each_reason_to_send_an_insight_back(text: str, code: str | None) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("12 of 12: {run}", True),
        ("({run}) n=4", True),
        ("3/4 `{run}/answer.json`.", True),
        ("4 ./runs/{run}/", True),
        ("4: {run}.", True),
        ("{run}9", False),
        ("4 {run}9", False),
        ("4 ../../{run}", False),
        ("4 /etc/{run}", False),
        ("4 {run}/../../../secret", False),
        ("4 {run}/..", False),
        ("4 {run}.bak", False),
        ("{run} v2", False),
        ("{run} history/0/09_step/outputs/other_7", False),
    ],
)
def test_evidence_is_a_whole_path_and_a_number_of_its_own(line: str, shown: bool) -> None:
    assert (code_of(answer(line.format(run=RUNS[0]))) is None) is shown


def test_a_long_line_of_evidence_is_read_quickly() -> None:
    assert code_of(answer(f"{RUNS[0]} " + "a" * 200_000 + "/" + "1" * 200_000)) == "no_evidence"


def test_of_too_many_findings_the_first_are_read_and_that_is_said() -> None:
    one = {"kind": "tone", "evidence": [f"4: {RUNS[0]}"]}
    many = [{**one, "text": f"Finding {n}."} for n in range(MOST_FINDINGS + 1)]
    for count, told in ((MOST_FINDINGS, False), (MOST_FINDINGS + 1, True)):
        text = f"Hm.\n```json\n{json.dumps({'findings': many[:count]})}\n```\n~~~\n"
        assert code_of(text) is None
        page = rendered("Insight (x)", text, [])
        assert [f.text for f in parse_findings(page)] == [f["text"] for f in many[:MOST_FINDINGS]]
        assert (f"{count} findings: only the first 50" in page) is told


def test_a_review_needs_no_run_as_evidence() -> None:
    assert code_of(answer("prompt.txt: 'the sum'"), None) is None


def test_a_good_answer_is_a_page_whose_findings_are_read() -> None:
    page = rendered("Insight (x)", answer(f"4: {RUNS[0]}"), [], "Asked once.")
    assert not is_failed(page)
    assert [one.text for one in parse_findings(page)] == ["Shorter."]


@pytest.mark.parametrize("code", [Refusal.NO_BLOCK, Refusal.BAD_BLOCK])
def test_what_does_not_parse_is_kept_as_text_and_marked(code: Refusal) -> None:
    page = rendered("Insight (x)", "It is ```fine```.\n## Findings", [Fault(code=code, text="t")])
    assert page.startswith("# Insight (x): kept as text")
    assert f"`{code.value}`" in page
    assert not is_failed(page)
    assert not is_parsed(parse_findings(page))


def test_what_lacks_evidence_or_never_came_is_failed() -> None:
    for text, code in ((answer(), Refusal.NO_EVIDENCE), ("", Refusal.NO_BLOCK), ("x", "failed")):
        page = rendered("Insight (x)", text, [Fault(code=code, text="<b>`why`")])
        assert is_failed(page)
        assert "Shorter" not in page


@given(st.text(max_size=200))
def test_no_text_makes_a_page_that_cannot_be_read(text: str) -> None:
    fault = fault_of(text, RUNS)
    page = rendered("Insight (x)", text, [fault] if fault else [])
    assert is_failed(page) or parse_findings(page)


@given(st.text(max_size=200))
def test_a_proposal_is_read_or_there_is_a_reason(text: str) -> None:
    for body in (text, f"```json\n{text}\n```"):
        assert isinstance(parse_proposal(body), Proposal | Fault)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({"title": "t", "description": "d"}, None),
        ({"title": "t"}, "bad_block"),
        ({"title": "", "description": "d"}, "bad_block"),
        ({"title": 7, "description": "d"}, "bad_block"),
        ({"title": "t", "description": "d", "merge": True}, "bad_block"),
        ({"title": "t" * 121, "description": "d"}, "bad_block"),
    ],
)
def test_a_proposals_block_is_strict(block: dict[str, object], code: str | None) -> None:
    found = parse_proposal(f"```json\n{json.dumps(block)}\n```")
    assert (found.code if isinstance(found, Fault) else None) == code


@pytest.mark.parametrize(
    ("evidence", "there"),
    [
        ("prompt.txt: 'Say the net total'", True),
        ("prompt.txt: 'Say the gross total'", False),
        ("the words “net total” in it", True),
        ("prompts/prompt.txt, line 3, isn't clear", True),
        ("target/prompts/prompt.txt, line 3", True),
        ("other.txt, line 3", False),
        ("12 of 12: history/0/00_x/outputs/p1", True),
        ("12 of 12: history/0/00_x/outputs/p19", False),
        ("everywhere", False),
    ],
)
def test_a_review_keeps_the_evidence_that_is_there(evidence: str, there: bool) -> None:
    diff = "+++ b/prompts/prompt.txt\n+Say the net\n+total.\n"
    one = AnalystFinding(kind="k", text="t", evidence=(evidence,))
    found = backed([one], ["history/0/00_x/outputs/p1"], diff)
    kept = one.model_copy(update={"evidence": (evidence,) if there else ()})
    assert found == (() if "p19" in evidence else (kept,))


def test_a_review_that_cites_a_run_that_does_not_exist_does_not_count() -> None:
    run, diff = "history/0/00_x/outputs/p1", "+++ b/prompt.txt\n+Say the net total.\n"
    made_up = "3 of 4 (history/0/77_x/outputs/p1)"
    quoted = f"'net total' stands there, {made_up}"
    invented = AnalystFinding(kind="k", text="t", evidence=(made_up, quoted))
    partly = invented.model_copy(update={"evidence": (made_up, f"3 of 4 ({run}/answer.json).")})
    [found] = backed([invented, partly], [run], diff)
    assert found.evidence == (f"3 of 4 ({run}/answer.json).",)


def test_a_finding_that_is_sent_back_sees_the_form_that_its_evidence_takes() -> None:
    fault = fault_of(answer("no number"), RUNS)
    assert fault is not None
    assert fault.code == Refusal.NO_EVIDENCE
    form = fault.text.partition("has this form: '")[2].removesuffix("'")
    assert code_of(answer(form)) is None
