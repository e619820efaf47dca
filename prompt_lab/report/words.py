"""Numbers, names and links as every page and summary writes them."""

from datetime import datetime
from urllib.parse import quote, urlsplit

from prompt_lab.names import Outcome, dollars

NOTHING = "–"
MARKS = {
    Outcome.YES: "✓",
    Outcome.NO: "✕",
    Outcome.CONDITIONAL: "◐",
    Outcome.INVALID: "⊘",
}


def score(value: float | None) -> str:
    """A mean score.

    >>> score(0.7249), score(None) == NOTHING
    ('0.72', True)
    """
    return NOTHING if value is None else f"{_steady(value):.2f}"


def compact(value: float | None) -> str:
    """A score for a small cell.

    >>> [compact(v) for v in (0, 0.5, 0.333, 0.999, 1)]
    ['0', '.5', '.33', '1', '1']
    """
    if value is None:
        return NOTHING
    return f"{_steady(value):.2f}".rstrip("0").rstrip(".").replace("0.", ".") if value else "0"


def points(value: float | None) -> str:
    """A difference of scores in points of 100, with its sign.

    >>> points(0.0873), points(-0.0001), points(0.0875) == points(0.3 - 0.2125)
    ('+8.7', '0.0', True)
    """
    if value is None:
        return NOTHING
    text = f"{_steady(value * 100):+.1f}"
    return text[1:] if text in ("-0.0", "+0.0") else text


def _steady(value: float) -> float:
    """Without the noise of float sums: one number is rounded alike however it was computed."""
    return round(value, 9)


def money(value: float | None) -> str:
    """US dollars, or NOTHING; see `dollars`."""
    return NOTHING if value is None else dollars(value)


def duration(seconds: float | None) -> str:
    """Seconds for a reader.

    >>> [duration(v) for v in (0.042, 3.26, 84, 7260)]
    ['0.04 s', '3.3 s', '1 min 24 s', '2 h 1 min']
    """
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def date(stamp: str) -> str:
    """Day and minute of a UTC time stamp; whatever else it is stays as it is.

    >>> date("2026-03-01T09:05:59Z"), date("last week")
    ('2026-03-01 09:05', 'last week')
    """
    try:
        return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return stamp


def href(url: str) -> str:
    """A URL that is fit for a link: http, https or relative; else ''.

    >>> href("https://example.org/1"), href("pulls/1.json"), href("javascript:alert(1)")
    ('https://example.org/1', 'pulls/1.json', '')
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    clean = url.isprintable() and ":" not in url.partition("/")[0]
    return url if scheme in ("http", "https") or clean else ""


def lab_href(lab: str, url: str) -> str:
    """A URL, or a path relative to the lab, as a link of a page whose lab is at `lab`.

    >>> lab_href("../..", "pulls/0001.html"), lab_href("../..", "https://example.org/1")
    ('../../pulls/0001.html', 'https://example.org/1')
    """
    safe = href(url)
    return f"{lab}/{safe}" if safe and not urlsplit(safe).scheme else safe


def path_href(*parts: str) -> str:
    """A file's path as a link.

    >>> path_href("../..", "history/0/03_step/a b#1")
    '../../history/0/03_step/a%20b%231'
    """
    return "/".join(quote(part) for part in parts if part)
