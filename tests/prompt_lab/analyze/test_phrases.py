"""Phrases inside the texts that one side alone shares."""

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import both, by_name, plan_text, row

SUBJECTS = ("harvest", "harbour", "bridge", "school", "market", "forest", "museum", "clinic")


def _told(metrics: Metrics) -> dict[str, tuple[int, int]]:
    return {one.phrase: (one.baseline_count, one.candidate_count) for one in metrics.phrases}


def _texts(pattern: str) -> list[dict[str, str]]:
    return [{"review": pattern.format(subject)} for subject in SUBJECTS]


def test_the_longest_new_phrase_is_told_once() -> None:
    before = _texts("{} is fine as it is")
    after = _texts("{} stays, neglecting the possibility that it fails")
    told = _told(measure(both("p", before, after), {}, "total"))
    assert told["stays, neglecting the possibility that it fails"] == (0, 8)
    assert told["is fine as it is"] == (8, 0)
    assert len(told) == 2


def test_a_phrase_of_both_sides_is_not_news() -> None:
    both_sides = _texts("{} is fine as it is")
    assert not measure(both("p", both_sides, both_sides), {}, "total").phrases


def test_words_of_the_plan_itself_are_not_news() -> None:
    plans = by_name([plan_text("p", "The old harbour of Kiel needs repair")])
    after = _texts("{} and the old harbour of Kiel")
    told = _told(measure(both("p", _texts("{} alone"), after), plans, "total"))
    assert "the old harbour of Kiel" not in told
    assert told["and the old harbour of Kiel"] == (0, 8)


def test_without_another_side_only_common_phrases_are_told() -> None:
    rows = [row(Side.BASELINE, "p", _texts("{} is open to doubt"))]
    assert set(_told(measure(rows, {}, "total"))) == {"is open to doubt"}
