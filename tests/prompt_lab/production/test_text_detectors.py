"""Detectors of what is sent: blocks that repeat, large sections, context that is unused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.production.text_blocks import find_repeats, find_sections, remove_blocks
from prompt_lab.reviews import ItemType
from tests.prompt_lab.production.made_traces import (
    MONTH,
    find_one,
    make_call,
    make_trace,
    names,
    review,
)

BLOCK = "## Style\n" + "\n".join(f"- Rule {at}: keep every sentence short." for at in range(12))


def test_a_block_twice_in_a_prompt_becomes_a_change_without_the_second_one() -> None:
    text = f"You write.\n\n{BLOCK}\n\n## Tools\nSearch first.\n\n{BLOCK}\n"
    calls = [make_call(cost_usd=0.0045), make_call(read=2000, cost_usd=0.0075), make_call()]
    traces = [make_trace(at, calls, prompts={"p": "v"}) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": text}), "repeated_blocks")
    assert finding.type is ItemType.PROMPT_CHANGE
    assert finding.prompt_text == f"You write.\n\n{BLOCK}\n\n## Tools\nSearch first.\n"
    tokens = finding.evidence.counts["tokens sent again"]
    assert finding.evidence.tokens_per_day == tokens * 30
    assert finding.evidence.usd_per_day == pytest.approx(tokens * 30 * 3e-6, rel=0.01)


def test_only_calls_of_traces_that_sent_the_prompt_are_counted() -> None:
    text = f"You write.\n\n{BLOCK}\n\n{BLOCK}\n"
    other = [{"role": "system", "content": "You translate."}]
    sent = [{"role": "system", "content": text}]
    traces = [make_trace(at, [make_call()], messages=sent if at < 4 else other) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": text}), "repeated_blocks")
    assert finding.evidence.counts["calls"] == 4


def test_a_block_that_code_sends_twice_is_a_code_change() -> None:
    sent = [{"role": "system", "content": f"You write.\n{BLOCK}\nContext:\n{BLOCK}"}]
    traces = [make_trace(at, [make_call()], messages=sent) for at in range(10)]
    finding = find_one(review(traces, prompts={"p": "You write.\n"}), "repeated_blocks")
    assert finding.type is ItemType.CODE_CHANGE
    assert finding.evidence.counts["traces"] == 10
    assert finding.prompt_text == ""


def test_a_large_section_is_named_with_its_share() -> None:
    text = "## Facts\n" + "\n".join(f"fact {at} is about thing {at}" for at in range(300))
    traces = [
        make_trace(at, [make_call(read=2400)], messages=[{"role": "system", "content": text}])
        for at in range(5)
    ]
    finding = find_one(review(traces), "large_sections")
    assert finding.key == "Facts"
    assert finding.type is ItemType.INVESTIGATE
    assert 0.8 < (finding.evidence.rate or 0) <= 1


FACTS = "## Company\n" + "\n".join(
    f"The office in Town{at} is led by Person{at}, phone 555-{at:04d}." for at in range(20)
)


@pytest.mark.parametrize("used", [0, 60])
def test_context_that_no_answer_uses_is_found(used: int) -> None:
    text = f"You answer.\n\n{FACTS}\n\n## Rules\nBe brief.\n"
    traces = [
        make_trace(
            at,
            [make_call()],
            final="Ask Person3 in Town3." if at < used else "It depends.",
            messages=[{"role": "system", "content": text}],
            prompts={"p": "v"},
        )
        for at in range(800)
    ]
    detection = review(traces, prompts={"p": text}, window=MONTH)
    if used:
        assert "unused_context" not in names(detection)
        return
    finding = find_one(detection, "unused_context")
    assert finding.key == "Company"
    assert finding.prompt_text == "You answer.\n\n## Rules\nBe brief.\n"


def test_a_section_that_differs_by_user_is_one_finding() -> None:
    def system(at: int) -> str:
        lines = [f"Order {at * 100 + n} of Customer{at}, sent to Street{n}" for n in range(30)]
        return "You answer.\n## Orders\n" + "\n".join(lines)

    traces = [
        make_trace(at, [make_call()], messages=[{"role": "system", "content": system(at)}])
        for at in range(700)
    ]
    finding = find_one(review(traces, window=MONTH), "unused_context")
    assert finding.key == "Orders"
    assert finding.type is ItemType.CODE_CHANGE
    assert finding.evidence.total == 700


def test_blocks_that_differ_by_user_are_one_finding() -> None:
    def system(at: int) -> str:
        block = "## Orders\n" + "\n".join(f"order {at} {n} was sent today" for n in range(30))
        return f"You answer.\n{block}\n## Again\n{block}"

    traces = [
        make_trace(at, [make_call()], messages=[{"role": "system", "content": system(at)}])
        for at in range(300)
    ]
    finding = find_one(review(traces), "repeated_blocks")
    assert finding.evidence.counts["traces"] == 300


def test_rules_are_not_called_unused_context() -> None:
    text = "## Rules\n" + "\n".join(f"- Be brief, be kind, be quick, rule {at}" for at in range(40))
    traces = [
        make_trace(at, [make_call()], messages=[{"role": "system", "content": text}])
        for at in range(800)
    ]
    assert names(review(traces, prompts={"p": text}, window=MONTH)) == set()


def test_repeats_are_found_whatever_their_spaces_and_only_once() -> None:
    again = BLOCK.replace(": keep", ":  keep")
    text = f"{BLOCK}\n\nmiddle\n{again}\nend\n{BLOCK}"
    blocks = find_repeats(text, 50)
    assert len(blocks) == 2
    assert remove_blocks(text, blocks) == f"{BLOCK}\n\nmiddle\n\nend\n"
    assert find_repeats("---\n" * 500, 50) == []
    assert find_repeats("", 50) == []


LINES = st.lists(st.sampled_from([f"line {at} says a thing of its own" for at in range(30)]))


@given(before=LINES, between=LINES, after=LINES)
def test_without_its_repeats_a_text_repeats_nothing_and_has_every_line(
    before: list[str], between: list[str], after: list[str]
) -> None:
    text = "\n".join([*before, BLOCK, *between, BLOCK, *after])
    blocks = find_repeats(text, 100)
    shorter = remove_blocks(text, blocks)
    assert BLOCK.splitlines()[3] in shorter
    assert shorter.count(BLOCK.splitlines()[3]) == 1
    assert set(shorter.splitlines()) - {""} == set(text.splitlines()) - {""}


def test_sentences_of_one_long_line_are_compared() -> None:
    part = " ".join(f"Sentence {at} says what to do in that case." for at in range(12))
    (block,) = find_repeats(f"{part} Now something else. {part}", 50)
    assert block.tokens > 100


def test_sections_cover_the_whole_text() -> None:
    text = "intro\n# A\none\n## B\ntwo\n<context>\nthree\n"
    blocks = find_sections(text)
    assert "".join(text[b.start : b.end] for b in blocks) == text
    assert [b.title for b in blocks] == ["", "A", "B", "context"]
