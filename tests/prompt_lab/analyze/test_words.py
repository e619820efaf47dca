"""Words of many scripts, and that no text is too strange."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.words import line, split_words, tokens, weight


def test_marks_stay_with_their_letters() -> None:
    assert tokens("हिन्दी में कुल राशि") == ("हिन्दी", "में", "कुल", "राशि")


def test_scripts_without_spaces_fall_back_on_characters() -> None:
    assert tokens("请款合计") == ("请", "款", "合", "计")
    assert weight(tokens("请款合计")) == 2
    assert len(tokens("ยอดรวม 12")) > 3


def test_korean_has_spaces() -> None:
    assert tokens("총 금액은 12원") == ("총", "금액은", "12원")


def test_a_line_holds_whole_words_only() -> None:
    assert line(["tot"]) not in line(["total"])


@given(st.text())
def test_words_stand_where_they_say(text: str) -> None:
    found = split_words(text)
    assert all(text[word.start : word.end].casefold() == word.text for word in found)
    assert all(one.end <= two.start for one, two in pairwise(found))
