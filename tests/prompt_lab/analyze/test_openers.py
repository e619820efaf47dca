"""Template lock, before and after, in languages with and without spaces."""

from prompt_lab.analyze.duplicates import counts, folded, moves
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics, OpeningPhrase
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import both, by_name, plan_text, row

SUBJECTS = ("harvest", "harbour", "bridge", "school", "market", "forest", "museum", "clinic")


def _levers(texts: list[str]) -> list[dict[str, str]]:
    return [{"name": f"{number}", "review": text} for number, text in enumerate(texts)]


def _measured(before: list[str], after: list[str], plan: str = "p1") -> Metrics:
    return measure(both(plan, _levers(before), _levers(after)), {}, "total")


def _phrases(metrics: Metrics) -> dict[str, OpeningPhrase]:
    return {opener.phrase: opener for opener in metrics.openers}


def test_a_lock_that_moved_is_found_on_both_sides() -> None:
    before = [f"Each lever {s} weighs cost and speed" for s in SUBJECTS]
    after = [f"The choices forget {s} and its people" for s in SUBJECTS[:6]]
    after += ["Nothing is said of rain at all", "Who pays for the repairs then"]
    found = _phrases(_measured(before, after))
    gone, new = found["Each lever"], found["The choices forget"]
    assert counts(gone) == "8 of 8 → 0 of 8"
    assert counts(new) == "0 of 8 → 6 of 8"
    assert [(m.gone.phrase, m.new.phrase) for m in moves(list(found.values()))] == [
        ("Each lever", "The choices forget")
    ]


def test_the_longest_phrase_that_keeps_its_texts_is_told() -> None:
    before = [f"It is said that {s} matters a lot" for s in SUBJECTS]
    assert set(_phrases(_measured(before, before))) == {"It is said that"}


def test_a_longer_phrase_of_fewer_texts_stands_beside_the_shorter() -> None:
    before = [f"This plan governs {s} in two ways" for s in SUBJECTS[:5]]
    before += [f"This plan {s} is open to doubt" for s in SUBJECTS[5:]]
    found = _phrases(_measured(before, before))
    assert {phrase: one.baseline_count for phrase, one in found.items()} == {
        "This plan": 8,
        "This plan governs": 5,
    }


def test_few_texts_and_different_texts_do_not_lock() -> None:
    assert not _measured([f"Same start here {s}" for s in SUBJECTS[:4]], ["x"]).openers
    assert not _measured([f"{s} is the subject here" for s in SUBJECTS], ["x"]).openers


def test_what_gold_begins_with_too_is_no_lock() -> None:
    texts = [f"Total amount of {s} in euro" for s in SUBJECTS]
    plans = by_name([plan_text("p1", "input", _levers(texts))])
    rows = both("p1", _levers(texts), _levers(texts))
    assert not measure(rows, plans, "total").openers


def test_identifiers_do_not_lock() -> None:
    rows = both("p1", _levers(["acme/small-2-it"] * 8), _levers(["acme/small-2-it"] * 8))
    assert not measure(rows, {}, "total").openers


def test_a_script_without_spaces_locks_too() -> None:
    before = [f"本项目的核心{c}在于成本和速度" for c in "问矛困难风险价值"]
    found = _phrases(_measured(before, [f"{c}需要更多的时间" for c in "甲乙丙丁戊己"]))
    assert found["本项目的核心"].baseline_count == 8


def test_all_plans_are_one_line_with_the_plans_inside() -> None:
    texts = [f"Each lever {s} weighs cost" for s in SUBJECTS]
    rows = [r for p in ("p1", "p2") for r in both(p, _levers(texts), _levers(list(SUBJECTS)))]
    folds = folded(measure(rows, {}, "total").openers)
    assert [(fold.head.plan, len(fold.plans)) for fold in folds] == [("", 2)]
    assert counts(folds[0].head) == "16 of 16 → 0 of 16"


def test_one_side_alone_is_told_without_the_other() -> None:
    rows = [row(Side.BASELINE, "p1", _levers([f"Each lever {s} is so" for s in SUBJECTS]))]
    (only,) = measure(rows, {}, "total").openers
    assert counts(only) == "8 of 8"


def test_a_plan_without_an_answer_on_one_side_compares_nothing() -> None:
    texts = _levers([f"Each lever {s} weighs cost" for s in SUBJECTS])
    rows = [
        *both("p1", texts, texts),
        row(Side.BASELINE, "p2", texts),
        row(Side.CANDIDATE, "p2", None, error=("timeout", "no answer")),
    ]
    assert {one.plan for one in measure(rows, {}, "total").openers} == {"", "p1"}
