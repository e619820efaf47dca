from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.report.markdown import blocks, inline


def test_the_kinds_of_blocks() -> None:
    text = "# Head\nwords\ngo on\n\n1. one\n   more\n2. two\n\n```json\n{}\n\n```\n---\n"
    found = blocks(text + "| a | b |\n|---|--:|\n| 1\\|2 | 3 |\nend")
    assert [block.kind for block in found] == [
        "heading",
        "text",
        "list",
        "code",
        "rule",
        "table",
        "text",
    ]
    assert found[1].rows[0][0][0].text == "words go on"
    assert [row[0][0].text for row in found[2].rows] == ["one more", "two"]
    assert found[3].rows[0][0][0].text == "{}\n"
    assert found[5].rows[1][0][0].text == "1|2"


def test_links_and_html_stay_text() -> None:
    pieces = inline("[go](javascript:x) <b>bold</b>")
    assert [piece.kind for piece in pieces] == ["text"]


def test_escaped_marks_are_the_marks_themselves() -> None:
    assert inline(r"0.1 -\> \*\*x\*\* \`y\`")[0].text == "0.1 -> **x** `y`"
    assert inline(r"`a\*b`")[0].text == r"a\*b"


def test_an_open_fence_ends_with_the_document() -> None:
    assert [block.kind for block in blocks("```\nnever closed\n# not a heading")] == ["code"]


@given(st.text(alphabet="ab#*-`|:1. \n\t\\~", max_size=80))
def test_any_text_is_read(text: str) -> None:
    words = "".join(p.text for b in blocks(text) for row in b.rows for cell in row for p in cell)
    assert words.count("a") <= text.count("a")
    if "`" not in text and "~" not in text and "|" not in text:
        assert words.count("a") == text.count("a")
