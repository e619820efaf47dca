"""The picture of docs/verdicts.md: two trials walking between their boundaries, as SVG."""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from prompt_lab.decide.effect import hopeless
from prompt_lab.decide.limits import deviation
from tests.tools.verdict_examples import POLICY, Example

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 430, 64, 32, 170, 46
HIGHEST, LOWEST = 0.4, -0.2
COLOURS = ("#1a7f4b", "#b3372b")


def bounds(example: Example) -> list[tuple[int, float, float]]:
    """After each look's plans: the mean that shows 'better', and the one below which it ends."""
    design, spread = example.trial.design, deviation(example.differences)
    found = []
    for count, bound in zip(design.counts, design.bounds, strict=True):
        time, unit = count / design.plans, spread / sqrt(design.plans)
        lowest = hopeless(design, time, POLICY, unit) / time * unit
        better = bound * spread / sqrt(count)
        found.append((count, better, better if time >= 1 else lowest))
    return found


def draw(examples: Sequence[Example]) -> str:
    """Running means by plan, dots at the looks, and where a look ends the trial."""
    parts = [_axes(), *_limits(examples[0])]
    for example, colour in zip(examples, COLOURS, strict=True):
        parts += _walk(example, colour)
    return _PAGE.format(width=WIDTH, height=HEIGHT, parts="\n".join(parts))


def _walk(example: Example, colour: str) -> list[str]:
    last = example.looks[-1]
    counts = np.arange(3, last.plans + 1)
    running = np.cumsum(example.differences)[2 : last.plans] / counts
    line = " ".join(
        f"{_x(float(n)):.1f},{_y(float(v)):.1f}" for n, v in zip(counts, running, strict=True)
    )
    parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    parts += [
        f'<circle cx="{_x(look.plans):.1f}" cy="{_y(look.mean):.1f}" r="4" fill="{colour}"/>'
        for look in example.looks
    ]
    where = f'x="{_x(last.plans) + 9:.1f}" y="{_y(last.mean) + 4:.1f}"'
    word = "better" if example.verdict.reasons[0].code == "better" else "out of reach"
    return [*parts, f'<text {where} fill="{colour}" class="b">{word}, look {last.number}</text>']


def _limits(example: Example) -> list[str]:
    parts = []
    for count, better, hopeless_below in bounds(example):
        x = _x(count)
        parts.append(_bar(x, _y(HIGHEST), _y(better), "#1a7f4b"))
        parts.append(_bar(x, _y(hopeless_below), _y(LOWEST), "#b3372b"))
    return parts


def _bar(x: float, top: float, bottom: float, colour: str) -> str:
    return (
        f'<rect x="{x - 3:.1f}" y="{top:.1f}" width="6" height="{max(bottom - top, 0):.1f}"'
        f' fill="{colour}" opacity="0.25"/>'
    )


def _axes() -> str:
    parts = []
    for points in range(-20, 41, 10):
        y = _y(points / 100)
        shade = "z" if points == 0 else "g"
        parts.append(f'<path d="M{LEFT},{y:.1f} H{WIDTH - RIGHT + 30}" class="{shade}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" class="r">{points:+d}</text>')
    for plans in range(0, POLICY.max_plans + 1, 20):
        parts.append(f'<text x="{_x(plans):.1f}" y="{HEIGHT - 26}" class="m">{plans}</text>')
    parts.append(f'<text x="{_x(50):.1f}" y="{HEIGHT - 8}" class="m">plans taken</text>')
    parts.append(f'<text x="{LEFT - 30}" y="{TOP - 14}">mean difference, points</text>')
    return "\n".join(parts)


def _x(plans: float) -> float:
    return LEFT + plans / POLICY.max_plans * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    share = (HIGHEST - min(max(value, LOWEST), HIGHEST)) / (HIGHEST - LOWEST)
    return TOP + share * (HEIGHT - TOP - BOTTOM)


_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">
<title>Two trials between their boundaries</title>
<style>svg {{ background: #fff }} text {{ font: 12px system-ui, sans-serif; fill: #14233d }}
.r {{ text-anchor: end }} .m {{ text-anchor: middle }} .b {{ font-weight: 600 }}
.g {{ stroke: #dde3ec }} .z {{ stroke: #51617c }}</style>
{parts}
</svg>
"""
