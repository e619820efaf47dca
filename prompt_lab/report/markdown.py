"""Markdown of models, targets and other tools as HTML that is safe in a page, by markdown-it-py."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

UNSAFE = ("link", "image", "autolink", "reference")
"""Disabled rules: the text is untrusted, so pages have no links to it and load nothing."""
_SCROLL = '<div class="scroll" tabindex="0" role="region" aria-label="table">'
_HEADING = "h3"
"""The one level of headings below the page's own."""


def render_markdown(text: str) -> Markup:
    """A document as HTML: headings, lists, tables, code, emphasis. HTML and links stay text.

    >>> print(render_markdown("# A <b>\\n[x](y) `c`"))
    <h3>A &lt;b&gt;</h3>
    <p>[x](y) <code>c</code></p>
    <BLANKLINE>
    """
    parser = _parser()
    tokens = list(_adapt(parser.parse(text)))
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def render_inline(text: str) -> Markup:
    """One line as HTML, without a paragraph around it.

    >>> print(render_inline("set `a` to **b**"))
    set <code>a</code> to <strong>b</strong>
    """
    return Markup(_parser().renderInline(text))


def _adapt(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens as a page needs them: no styles or classes, tables that scroll, one heading."""
    for token in tokens:
        token.info = ""
        token.attrs = {"scope": "col"} if token.type == "th_open" else {}
        if token.type.startswith("heading_"):
            token.tag = _HEADING
        if token.type == "table_open":
            yield Token("html_block", "", 0, content=_SCROLL)
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("js-default").disable(UNSAFE)
