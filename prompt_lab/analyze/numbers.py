"""Numbers as a reader wants them: shares, changes, money, and '-' for what there is none of."""


def score(value: float | None) -> str:
    """Three digits behind the point.

    >>> score(0.5), score(None)
    ('0.500', '-')
    """
    return "-" if value is None else f"{value:.3f}"


def change(before: float | None, after: float | None) -> str:
    """The signed difference of two scores.

    >>> change(0.5, 0.75), change(None, 1.0)
    ('+0.250', '-')
    """
    return "-" if before is None or after is None else f"{after - before:+.3f}"


def percent(share: float | None) -> str:
    """A share as whole percent.

    >>> percent(0.971)
    '97 %'
    """
    return "-" if share is None else f"{share * 100:.0f} %"


def times(ratio: float | None) -> str:
    """A ratio.

    >>> times(1.254)
    '1.25x'
    """
    return "-" if ratio is None else f"{ratio:.2f}x"


def seconds(value: float | None) -> str:
    """A duration."""
    return "-" if value is None else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def money(value: float | None) -> str:
    """US dollars, with the digits that small amounts need.

    >>> money(0.0), money(0.00042), money(3.5)
    ('$0', '$0.00042', '$3.50')
    """
    if value is None:
        return "-"
    if value == 0:
        return "$0"
    return f"${value:.2f}" if value >= 1 else f"${value:.5f}"


def count(value: float | None) -> str:
    """A whole number with thin separators, or one digit behind the point for a mean.

    >>> count(12345), count(2.5)
    ('12,345', '2.5')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def ratio(before: float, after: float) -> float | None:
    """after / before, where that can be said."""
    return after / before if before > 0 else None
