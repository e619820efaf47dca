import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from prompt_lab.report.markdown import render_inline, render_markdown
from tests.prompt_lab.report.reading import Page

ALLOWED = {
    "h3", "p", "ul", "ol", "li", "pre", "code", "hr", "br", "strong", "em", "s", "blockquote",
    "table", "thead", "tbody", "tr", "th", "td", "div",
}  # fmt: skip
ATTRIBUTES = {"class", "tabindex", "role", "aria-label", "scope"}


def page_of(html: Markup) -> Page:
    return Page(str(html))


def test_the_kinds_of_blocks() -> None:
    text = "# Head\nwords\ngo on\n\n1. one\n   more\n2. two\n\n```json\n{}\n\n```\n---\n"
    page = page_of(render_markdown(text + "| a | b |\n|---|--:|\n| 1\\|2 | 3 |\n\nend"))
    tags = [name for name, _ in page.elements]
    assert [tag for tag in tags if tag in ("h3", "p", "ol", "pre", "hr", "table")] == [
        "h3", "p", "ol", "pre", "hr", "table", "p"
    ]  # fmt: skip
    for words in ("words\ngo on", "one\nmore", "{}\n\n", "1|2", "end"):
        assert words in page.text
    assert page.find("th", scope="col")
    assert page.find("div", class_="scroll")


@pytest.mark.parametrize(
    "text",
    [
        "[go](javascript:x) <b>bold</b>",
        "![image](https://example.org/x.png)",
        "<https://example.org> https://example.org",
        "[a]\n\n[a]: https://example.org 'title'",
        "<script>alert(1)</script>\n\n<!-- hidden -->",
    ],
)
def test_links_images_and_html_stay_text(text: str) -> None:
    page = page_of(render_markdown(text))
    assert {name for name, _ in page.elements} == {"p"}
    assert "".join(page.text.split()) == "".join(text.split())


def test_escaped_marks_are_the_marks_themselves() -> None:
    assert page_of(render_inline(r"0.1 -\> \*\*x\*\* \`y\`")).text == "0.1 -> **x** `y`"
    assert render_inline(r"`a\*b`") == r"<code>a\*b</code>"


def test_an_open_fence_ends_with_the_document() -> None:
    page = page_of(render_markdown("```\nnever closed\n# not a heading"))
    assert [name for name, _ in page.elements] == ["pre", "code"]


def test_no_document_sets_a_style_or_a_class() -> None:
    html = render_markdown('```"><i>\nx\n```\n\n| a |\n|--:|\n| 1 |\n')
    assert "style" not in html
    assert "language" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("mark", ["> ", "- ", "*", "[", "`"])
def test_deep_nesting_is_read(mark: str) -> None:
    assert render_markdown(mark * 2000 + "x")


@given(st.text(alphabet="ab#*-`|:1. \n\t\\~<>[]()!&\"'=/", max_size=80))
def test_any_text_is_read_and_adds_no_element_of_its_own(text: str) -> None:
    page = page_of(render_markdown(text))
    assert {name for name, _ in page.elements} <= ALLOWED
    assert {name for _, attrs in page.elements for name in attrs} <= ATTRIBUTES
    assert page.text.count("a") <= text.count("a")
