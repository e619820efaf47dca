from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.report.diff import Diff, side_by_side
from prompt_lab.report.pairs import mark_differing_words, spaces, tokens

LINES = st.lists(st.sampled_from(["", "a", "a b c d", "a b c e", "  a", "x\ty", "é ü"]), max_size=9)


def _text(diff: Diff, left: bool) -> list[int]:
    lines = [line for block in diff.blocks for line in block.lines]
    numbers = [line.left_number if left else line.right_number for line in lines]
    return [number for number in numbers if number is not None]


@given(LINES, LINES)
def test_every_line_of_both_texts_stands_once_and_in_order(old: list[str], new: list[str]) -> None:
    diff = side_by_side("\n".join(old), "\n".join(new))
    assert _text(diff, left=True) == list(range(1, max(1, len(old)) + 1))
    assert _text(diff, left=False) == list(range(1, max(1, len(new)) + 1))
    assert diff.is_equal == ("\n".join(old) == "\n".join(new))


@given(st.text(), st.text())
def test_marks_keep_the_texts_as_they_are(left: str, right: str) -> None:
    marked = mark_differing_words(left, right)
    assert "".join(span.text for span in marked.left) == left
    assert "".join(span.text for span in marked.right) == right
    assert "".join(tokens(left)) == left


def test_equal_texts_have_no_mark() -> None:
    assert not any(span.changed for span in mark_differing_words("a b\nc", "a  b c").left)


def test_a_change_of_white_space_alone_is_made_visible() -> None:
    line = side_by_side("say it\n", "say it \n").blocks[0].lines[0]
    assert line.kind == "changed"
    assert line.right[-1].text == "·"
    assert spaces("a\tb", "a b").left[1].text == "→\t"


def test_a_lost_line_end_at_the_end_of_the_file_is_seen() -> None:
    diff = side_by_side("a\n", "a")
    assert diff.removed == 1
    assert diff.blocks[0].lines[-1].left[-1].text == "⏎"


def test_a_word_of_a_script_without_spaces_is_marked_alone() -> None:
    marked = mark_differing_words("请提供金额", "请提供总额")
    assert [span.text for span in marked.right if span.changed] == ["总"]


def test_far_unchanged_lines_are_folded() -> None:
    old = "\n".join(f"line {n}" for n in range(40))
    diff = side_by_side(old, old.replace("line 20", "line twenty"))
    assert [block.folded for block in diff.blocks] == [True, False, True]


def test_a_rewritten_file_is_shown_unpaired_and_at_once() -> None:
    old, new = ("\n".join(f"{word} {n}" * 20 for n in range(300)) for word in ("old", "new"))
    diff = side_by_side(old, new)
    assert {line.kind for block in diff.blocks for line in block.lines} == {"removed", "added"}
