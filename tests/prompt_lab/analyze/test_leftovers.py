"""Near-duplicates, placeholders, and what was copied from the prompt."""

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.text_metrics import left_in
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import both, by_name, plan_text, prompt, row

LONG = "The crew overlooks what the harbour needs in winter {}"


def test_near_duplicates_inside_a_run_and_between_plans() -> None:
    rows = [
        row(Side.BASELINE, "p1", [{"r": LONG.format(1)}, {"r": LONG.format(2)}, {"r": "Short"}]),
        row(Side.BASELINE, "p2", [{"r": LONG.format(3)}]),
    ]
    groups = {one.plan: one for one in measure(rows, {}, "total").duplicates}
    assert (groups["p1"].count, groups["p1"].total) == (1, 2)
    assert (groups[""].count, groups[""].total) == (1, 3)
    assert groups["p1"].similarity > 0.9
    assert groups["p1"].path == rows[0].path


def test_replicates_may_repeat_themselves() -> None:
    rows = [row(Side.BASELINE, "p1", {"r": LONG}, replicate=n) for n in range(3)]
    assert not measure(rows, {}, "total").duplicates


def test_shapes_of_placeholders() -> None:
    assert list(left_in("Dear <name>, ____ of XXX")) == ["<name>", "XXX", "____"]
    assert list(left_in("an AAA game, [1], [x], [a link](b), a[0], <b>bold</b>, {'k': 1}")) == []
    assert list(left_in("{{ vendor }} und [Betrag einsetzen]")) == [
        "[Betrag einsetzen]",
        "{{ vendor }}",
    ]


def test_a_placeholder_of_the_plan_itself_is_no_leftover() -> None:
    plans = by_name([plan_text("p1", "Write to [the manager]")])
    prompts = {Side.BASELINE: prompt("Answer as {json_only}")}
    answer = {"a": "To [the manager]", "b": "{json_only}", "c": "[the owner]"}
    found = measure([row(Side.BASELINE, "p1", answer)], plans, "total", prompts).placeholders
    assert {(one.text, one.in_prompt) for one in found} == {
        ("{json_only}", True),
        ("[the owner]", False),
    }


def test_words_and_values_of_the_prompt_come_back() -> None:
    prompts = {
        Side.BASELINE: prompt("Find the total."),
        Side.CANDIDATE: prompt(
            'Find the total. Example: {"vendor": "Blue Kettle", "total": "42.50"}'
        ),
    }
    plans = by_name([plan_text("p1", "Red Pot asks for 12.00", {"total": "12.00"})])
    rows = both("p1", {"vendor": "Blue Kettle", "total": "42.50"}, {"vendor": "Blue Kettle"})
    found = measure(rows, plans, "total", prompts).copied
    assert [(one.side, one.phrase, one.value) for one in found] == [
        (Side.CANDIDATE, "Blue Kettle", True)
    ]


def test_words_of_the_input_are_not_copied_from_the_prompt() -> None:
    text = "please pay within thirty days of receipt"
    prompts = {Side.BASELINE: prompt(f"Texts often say: {text}. Repeat nothing of these lines.")}
    rows = [
        row(Side.BASELINE, "p1", {"note": f"They say {text}"}),
        row(Side.BASELINE, "p2", {"note": f"They say {text}"}),
    ]
    plans = by_name([plan_text("p1", text), plan_text("p2", "no terms")])
    (copy,) = measure(rows, plans, "total", prompts).copied
    assert (copy.count, copy.total, copy.path) == (1, 2, rows[1].path)
    assert copy.phrase == f"say {text}"
