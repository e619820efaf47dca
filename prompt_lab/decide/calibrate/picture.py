"""Dots on a scale, a line per cell: the pictures of the calibration's page, as SVG."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import NamedTuple

from prompt_lab.decide.calibrate.measure import Measured
from prompt_lab.decide.calibrate.rivals import Rival

OURS = "this engine"
COLOURS = ("#0b62c4", "#c0392b", "#d68910", "#7d3c98", "#6b7a8c")
WIDTH, ROW, LEFT, TOP = 850, 22, 380, 30


class Scale(NamedTuple):
    """From 0 to `top`, in so many steps; `line` is drawn dashed."""

    top: float
    steps: int
    line: float | None
    title: str


def picture(rows: Sequence[Measured], of: Callable[[Rival], float], scale: Scale) -> str:
    """One dot per rule and cell, at what `of` reads from it; ours last, so that it lies on top."""
    names = [OURS, *dict.fromkeys(name for row in rows for name in row.rivals)]
    colour = dict(zip(names, COLOURS, strict=False))
    height = TOP + ROW * (len(rows) + 3)
    parts = [_axis(scale, height - 2 * ROW)]
    for at, row in enumerate(rows):
        y = TOP + ROW * (at + 1)
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" class="l">{escape(row.cell)}</text>')
        values = {**row.rivals, OURS: Rival(row.rate, row.calls)}
        parts += [_dot(name, of(rule), y, scale, colour) for name, rule in values.items()]
    parts.append(_legend(colour, height - ROW // 2))
    return _PAGE.format(width=WIDTH, height=height, title=escape(scale.title), parts="".join(parts))


def _axis(scale: Scale, bottom: int) -> str:
    marks = [f'<text x="{LEFT}" y="14" class="t">{escape(scale.title)}</text>']
    for step in range(scale.steps + 1):
        value = scale.top * step / scale.steps
        x = _x(value, scale)
        marks.append(f'<path d="M{x:.1f},{TOP} V{bottom}" class="g"/>')
        marks.append(f'<text x="{x:.1f}" y="{TOP - 2}" class="s">{value:.0%}</text>')
    if scale.line is not None:
        marks.append(f'<path d="M{_x(scale.line, scale):.1f},{TOP} V{bottom}" class="d"/>')
    return "".join(marks)


def _dot(name: str, value: float, y: int, scale: Scale, colour: Mapping[str, str]) -> str:
    size, x = 5 if name == OURS else 3.5, _x(min(value, scale.top), scale)
    fill, title = colour.get(name, COLOURS[-1]), f"{escape(name)}: {value:.2%}"
    return f'<circle cx="{x:.1f}" cy="{y}" r="{size}" fill="{fill}"><title>{title}</title></circle>'


def _legend(colour: Mapping[str, str], y: int) -> str:
    parts, x = [], 10
    for name, fill in colour.items():
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="5" fill="{fill}"/>')
        parts.append(f'<text x="{x + 10}" y="{y}">{escape(name)}</text>')
        x += 30 + 7 * len(name)
    return "".join(parts)


def _x(value: float, scale: Scale) -> float:
    return LEFT + value / scale.top * (WIDTH - LEFT - 30)


_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">
<title>{title}</title>
<style>svg {{ background: #fff }} text {{ font: 12px system-ui, sans-serif; fill: #14233d }}
.l {{ text-anchor: end }} .s {{ text-anchor: middle; font-size: 10px; fill: #51617c }}
.t {{ font-weight: 600 }} .g {{ stroke: #dde3ec }} .d {{ stroke: #14233d; stroke-dasharray: 4 3 }}
</style>
{parts}
</svg>
"""
