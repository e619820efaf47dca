"""A price in a sentence: no amount that is not zero is written as zero."""

import pytest

from prompt_lab.decide.notes import in_words
from prompt_lab.decide.price import TrialPrice


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.5, "2 seconds"), (60.0, "60 seconds"), (600.0, "10 minutes"), (7200.0, "2.0 hours")],
)
def test_a_short_time_is_not_0_hours(seconds: float, words: str) -> None:
    price = TrialPrice(plans=10, calls=20, dollars=0.000021, seconds=seconds)
    assert in_words(price) == f"20 runs on both sides, $0.000021, {words} one after another"
