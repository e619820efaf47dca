"""The review of a change: leaks, contradictions, placeholders, words in code."""

from typing import Any

from prompt_lab.analyze.contract import contradictions
from prompt_lab.analyze.diffs import file_diffs, hard_words
from prompt_lab.analyze.findings import is_parsed
from prompt_lab.analyze.leaks import leaks
from prompt_lab.analyze.review import Review, parse_review, render_review, review
from tests.prompt_lab.analyze.making import CHANGE, plan_text, prompt

SCHEMA: Any = {
    "type": "object",
    "required": ["vendor", "total"],
    "properties": {
        "vendor": {"type": "string"},
        "total": {"type": "number"},
        "kind": {"enum": ["invoice", "reminder", "receipt"]},
    },
}
TRAIN = [plan_text("t1", "Red Pot asks for 12.00 by the end of May", {"vendor": "Red Pot"})]
VERIFY = [plan_text("v1", "Blue Kettle wants 42.50 before the first of June", {"total": "42.50"})]
BASE = "Read the text.\n[user]\n{text}\n"
DIFF = """\
diff --git a/prompts/extract.txt b/prompts/extract.txt
--- a/prompts/extract.txt
+++ b/prompts/extract.txt
@@ -1,2 +1,3 @@
-Read the text.
+Read the whole text.
+Be exact.
 [user]
"""


def _review(after: str, before: str = BASE, diff: str = DIFF) -> Review:
    return review(CHANGE, prompt(before), prompt(after), diff, train=TRAIN, verify=VERIFY)


def _code(*lines: str) -> str:
    added = "".join(f"+{line}\n" for line in lines)
    head = "--- a/steps/check.py\n+++ b/steps/check.py\n"
    return f"{head}@@ -1,1 +1,{len(lines) + 1} @@\n import re\n{added}"


def test_the_size_of_a_diff() -> None:
    (file,) = file_diffs(DIFF)
    assert (file.path, file.added, file.removed) == ("prompts/extract.txt", 2, 1)
    assert file_diffs("no diff") == ()


def test_placeholders_that_went_and_came() -> None:
    found = _review("Read {letter}.\n[user]\n{date}\n")
    assert found.placeholders_lost == ("text",)
    assert found.placeholders_gained == ("date", "letter")


def test_a_verify_plan_in_the_prompt_is_a_leak() -> None:
    found = _review(BASE + 'Example: "Blue Kettle wants 42.50 before the first"')
    assert {(one.plan, one.source) for one in found.leaks} == {("v1", "inputs"), ("v1", "gold")}
    assert parse_review(render_review(found))[0].kind == "leak"


def test_a_train_example_and_old_text_are_no_leak() -> None:
    assert not _review(BASE + 'Example: "Red Pot asks for 12.00 by the end of May"').leaks
    leaky = BASE + "42.50"
    assert not _review(leaky + " again", before=leaky).leaks


def test_a_label_with_an_underscore_is_no_leak_by_itself() -> None:
    plans = [plan_text("v2", "Some words", {"kind": "pro_forma_bill"})]
    assert not leaks(BASE, BASE + "Say pro_forma_bill or invoice.", TRAIN, plans)
    assert leaks(BASE, BASE + "Blue_Kettle_wants_42.50_before_the_first", TRAIN, VERIFY)


def test_keys_that_the_schema_does_not_have() -> None:
    found = contradictions(prompt('Answer {"vendor": "x", "amount": 1}', SCHEMA))
    assert [(one.kind, one.key) for one in found] == [
        ("unknown_key", "amount"),
        ("key_not_named", "total"),
    ]


def test_labels_and_types_that_differ() -> None:
    text = 'One of invoice, reminder. {"vendor": 3, "total": 1.5, "kind": "bill"}'
    kinds = {(one.kind, one.key) for one in contradictions(prompt(text, SCHEMA))}
    assert kinds == {("label_not_named", "kind"), ("type", "vendor"), ("label_unknown", "kind")}


def test_a_prompt_that_says_the_same_has_none() -> None:
    text = 'Answer {"vendor": "x", "total": 1.5, "kind": "invoice"}: invoice, reminder or receipt.'
    assert contradictions(prompt(text, SCHEMA)) == ()
    assert contradictions(prompt("Read the text.", SCHEMA)) == ()
    assert contradictions(prompt("Read the text.")) == ()


def test_words_of_a_language_in_a_comparison() -> None:
    code = _code(
        "if text.startswith('the options assume'):",
        'BAD = re.compile(r"\\b(never|always|maybe)\\b")',
        '    "in this case", "on the other hand",',
    )
    assert [one.line for one in hard_words(code)] == [2, 3, 4, 4]


def test_names_paths_and_messages_are_not_meant() -> None:
    code = _code(
        'if status == "error":',
        'raise ValueError("the options are too few")',
        'path = root / "a" / "b.json"',
        'MATCH = re.compile(r"\\d{4}-\\d\\d")',
        "# if text == 'not so fast':",
    )
    assert hard_words(code) == ()


def test_prose_in_other_files_is_not_meant() -> None:
    assert hard_words(_code('x == "so it is"').replace(".py", ".txt")) == ()


def test_the_page_shows_the_diff_and_is_read_back() -> None:
    found = _review(BASE + "```json\n{}\n```", diff=DIFF + "+```\n")
    page = render_review(found)
    assert "+Read the whole text." in page
    assert is_parsed(parse_review(page))


def test_an_empty_diff_is_reviewed_too() -> None:
    assert "Nothing to object to" in render_review(_review(BASE, diff=""))


def test_a_prompt_that_grew_much_is_told() -> None:
    kinds = [one.kind for one in parse_review(render_review(_review(BASE + "word " * 200)))]
    assert kinds == ["prompt_length"]
