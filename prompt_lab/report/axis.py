"""Positions of effects and their intervals on a scale, in percent of its width."""

from collections.abc import Iterable, Sequence
from math import ceil, floor
from typing import NamedTuple

from prompt_lab.report.words import points

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)


class Tick(NamedTuple):
    """A labelled position on the scale."""

    at: float
    label: str


class Effect(NamedTuple):
    """An effect with its interval, in scores; an end that is unknown is None."""

    label: str
    value: float | None
    low: float | None
    high: float | None


class Bar(NamedTuple):
    """An effect as drawn: positions in percent, text for the tooltip."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    words: str
    tone: str


class Axis(NamedTuple):
    """A scale of effects that always holds zero."""

    low: float
    high: float
    ticks: tuple[Tick, ...]

    def percent_of(self, value: float) -> float:
        """Percent of the width, within [0, 100]."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    @property
    def zero(self) -> float:
        """The position of zero."""
        return self.percent_of(0.0)

    def bar(self, effect: Effect) -> Bar:
        """One effect on this scale."""
        value, low, high = (
            None if v is None else self.percent_of(v)
            for v in (effect.value, effect.low, effect.high)
        )
        return Bar(effect.label, value, low, high, sentence(effect), tone(effect))


def axis(effects: Iterable[Effect]) -> Axis:
    """A scale that holds all of them and zero, with three to six ticks."""
    values = [v for e in effects for v in (e.value, e.low, e.high) if v is not None]
    low, high = min([*values, -0.02]), max([*values, 0.02])
    pad = (high - low) * 0.06
    low, high = max(-1.0, low - pad), min(1.0, high + pad)
    step = next((s for s in STEPS if (high - low) / s <= 6), STEPS[-1])
    raw = Axis(low, high, ())
    marks = range(ceil(low / step), floor(high / step) + 1)
    return raw._replace(
        ticks=tuple(Tick(raw.percent_of(n * step), _label(n * step)) for n in marks)
    )


def sentence(effect: Effect) -> str:
    """An effect in words: `+8.7 points, 3.1 to 14.2`."""
    if effect.value is None:
        return "no effect could be measured"
    text = f"{points(effect.value)} points"
    if effect.low is None or effect.high is None:
        return text
    return f"{text}, interval {points(effect.low)} to {points(effect.high)}"


def tone(effect: Effect) -> str:
    """`better` or `worse` where the whole interval is on one side of zero, else `open`."""
    if effect.low is not None and effect.low > 0:
        return "better"
    return "worse" if effect.high is not None and effect.high < 0 else "open"


def _label(value: float) -> str:
    return f"{value * 100:+.0f}" if abs(value) > 1e-9 else "0"


def bars(effects: Sequence[Effect]) -> tuple[Axis, tuple[Bar, ...]]:
    """All of them on one scale."""
    scale = axis(effects)
    return scale, tuple(scale.bar(effect) for effect in effects)
