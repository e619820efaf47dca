"""Candidates that tell verify plans, and candidates that only look like it."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.leaked import LeakLocation, leaked, void
from prompt_lab.decide.verdict import Code
from prompt_lab.records import PlanText
from tests.prompt_lab.analyze.making import plan_text

PROMPT = "Read the amount.\nBe exact.\n[user]\n{invoice}\n"
CODE = f"PROMPT = {PROMPT!r}\n"
TRAIN = [plan_text("t1", "Red Pot asks for 12.75 by the end of May", {"total": "12.75"})]
VERIFY = [
    plan_text("v1", "Blue Kettle wants 42.53 before the first of June", {"total": "42.53"}),
    plan_text("v2", "The café Øst bills 100.00 in the year 2026", {"total": 100, "year": 2026}),
    plan_text("v3", "Ms Owl still owes 3600 for her new roof", {"total": 3600}),
    plan_text("v4", "Tin Shop", {"total": 475}),
]
SECRET = "Blue Kettle wants 42.53 before the first"


class Row(NamedTuple):
    """One candidate: files as (before, after), and the (file, line, plans) that it tells."""

    name: str
    files: Mapping[str, tuple[str, str]]
    places: Sequence[tuple[str, int, str]] = ()
    stood: Sequence[str] = ()


def prompt(name: str, added: str, *places: tuple[int, str], stood: Sequence[str] = ()) -> Row:
    files = {"prompt.txt": (PROMPT, f"{PROMPT}{added}\n")}
    return Row(name, files, [("prompt.txt", *place) for place in places], stood)


def schema(said: str) -> tuple[str, str]:
    before = json.dumps({"type": "object"})
    return before, json.dumps({"type": "object", "description": said}, indent=2)


ROWS = [
    prompt("verify text with underscores", SECRET.replace(" ", "_"), (5, "v1")),
    prompt("five words of an input", "Like: blue kettle wants 42.53 before.", (5, "v1")),
    prompt(
        "words that are broken over lines",
        "Blue\n  Kettle wants\n42.53 before",
        *[(5, "v1"), (7, "v1")],
    ),
    prompt("hidden between signs that nobody sees", SECRET.replace("e", "e\u200b"), (5, "v1")),
    prompt("a gold value alone", "The answer is 42.53.", (5, "v1")),
    prompt(
        "gold values of three plans, each as common as can be",
        "One of 100, 3600 or 475.",
        *[(5, "v2"), (5, "v3"), (5, "v4")],
    ),
    Row("a schema", {"schema.json": schema(SECRET)}, [("schema.json", 3, "v1")]),
    Row(
        "a schema in escapes",
        {"schema.json": schema("The café Øst bills 100.00 in the year")},
        [("schema.json", 0, "v2")],
    ),
    Row(
        "a prompt in a module",
        {"src/core.py": (CODE, f"{CODE}HINT = 'x. {SECRET}'\n")},
        [("src/core.py", 2, "v1")],
    ),
    Row(
        "a prompt in a module, joined from pieces",
        {
            "src/core.py": (
                CODE,
                CODE + "HINT = 'Blue\\x20Kettle wants ' \\\n  '42.53 be' 'fore the'",
            )
        },
        [("src/core.py", 3, "v1"), ("src/core.py", 0, "v1")],
    ),
    Row(
        "two files",
        {"a.txt": ("", SECRET), "b.txt": ("", "owl still owes 3600 for her new")},
        [("a.txt", 1, "v1"), ("b.txt", 1, "v3")],
    ),
    prompt("nothing new", ""),
    prompt("a train example", 'Like: "Red Pot asks for 12.75 by the end of May" is 12.75.'),
    prompt("four words", "Blue Kettle wants 42 of them."),
    prompt("common numbers of two plans", "One of 100 or 2026 or 3600."),
    prompt("a year", "Dates are of 2026 or later."),
    prompt("a round sum", "Never more than 100.00 euros."),
    prompt("a count", "At most 100 words."),
    prompt("one number of four digits", "Stop after 3600 seconds."),
    prompt("what another file of the baseline says", SECRET, stood=[f"As in: {SECRET}"]),
    Row("what stood there", {"p.txt": (SECRET, f"{PROMPT}{SECRET}")}),
    Row("moved from file to file", {"a.txt": (SECRET, ""), "b.txt": ("", SECRET)}),
    Row("taken out", {"p.txt": (SECRET, PROMPT)}),
    Row("no Python", {"a.py": ("", "def (:\n")}),
    Row("no JSON", {"a.json": ("", "{]\n")}),
    Row("no change", {}),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_candidate_tells(row: Row) -> None:
    found = leaked(row.files, row.stood, train=TRAIN, verify=VERIFY)
    assert {(p.file, p.line, p.plan) for p in found} == set(row.places)


def test_the_reason_names_file_line_plan_and_fix_and_never_the_text() -> None:
    files = {"prompt.txt": (PROMPT, PROMPT + SECRET)}
    (reason,) = void(leaked(files, [], train=TRAIN, verify=VERIFY), "topic")
    assert reason.code is Code.VERIFY_LEAK
    wanted = {"file": "prompt.txt", "line": "5", "plan": "v1", "plans": "v1"}
    assert wanted.items() <= reason.facts.items()
    assert "'prompt.txt', line 5" in reason.text
    assert "--branch topic" in reason.text
    said = reason.model_dump_json()
    assert "Kettle" not in said
    assert "42.53" not in said


def test_a_reason_names_few_of_many_plans_and_no_place_is_no_reason() -> None:
    places = [LeakLocation(file="a", line=0, plan=f"v{n}", source="gold") for n in range(9)]
    (reason,) = void(places, "topic")
    assert "'v0', 'v1', 'v2', …" in reason.text
    assert ", line" not in reason.text
    assert void([], "topic") == ()


WORDS = ("the", "sum", "to", "pay", "12.75", "2026", "café", "合計", "Blue", "Pot\n", "of", "{x}")
WORD = st.sampled_from(WORDS)
TEXT = st.lists(WORD, max_size=30).map(" ".join)


@st.composite
def from_train(draw: st.DrawFn) -> tuple[list[PlanText], list[PlanText], list[str]]:
    """Train plans, verify plans, and parts of a prompt: whole train texts, or words of one."""
    made = [plan_text(f"p{n}", draw(TEXT), {"a": draw(TEXT)}) for n in range(4)]
    texts = [text for plan in made[:2] for text in (*plan.inputs.values(), *plan.gold.values())]
    parts = []
    for text in draw(st.lists(st.sampled_from(texts), max_size=4)):
        said = text.split(" ")
        start, end = sorted(draw(st.integers(0, len(said))) for _ in range(2))
        parts.append(draw(st.sampled_from([text, " ".join(said[start:end])])))
    return made[:2], made[2:], parts


@given(from_train())
def test_what_is_made_of_train_texts_only_never_triggers(
    case: tuple[list[PlanText], list[PlanText], list[str]],
) -> None:
    """Few words make all plans, so that train and verify share many of them."""
    train, verify, parts = case
    files = {f"part_{n}.txt": (PROMPT, PROMPT + part) for n, part in enumerate(parts)}
    assert leaked(files, [], train=train, verify=verify) == ()
