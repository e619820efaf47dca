"""The page of an import: each model on each subject, and what routing by subject gains."""

from collections.abc import Sequence

import numpy as np

from prompt_lab.benchmark.compare_routing import compare_routing, render_comparison
from prompt_lab.benchmark.import_results import ImportedSubject
from prompt_lab.benchmark.interval import clustered_interval
from prompt_lab.benchmark.route_by_subject import learn_rules, measure_gain, routing_level
from prompt_lab.errors import ConfigError


def parse_prices(text: str, models: Sequence[str]) -> list[float]:
    """Dollars per item, one for each model. Raises ConfigError."""
    if not text:
        return [1.0] * len(models)
    try:
        prices = [float(part) for part in text.split(",")]
    except ValueError:
        prices = []
    if len(prices) != len(models) or any(not 0 <= price < 1e9 for price in prices):
        names = ", ".join(models)
        raise ConfigError([f"--prices {text!r}: give one number for each of {names}"])
    return prices


def render_import(
    subjects: Sequence[ImportedSubject], prices: str, *, splits: int, rng: np.random.Generator
) -> str:
    """The whole text. An INVALID subject is named with its reason and gives no rule."""
    models = subjects[0].models
    dollars = parse_prices(prices, models)
    lines = [f"{len(subjects)} subjects, {sum(len(s.items) for s in subjects)} items"]
    for subject in subjects:
        for row in subject.results:
            lines.append(
                f"  {row.key}: {row.passed} of {row.total} ({row.accuracy or 0:.1%},"
                f" {row.low or 0:.1%} to {row.high or 0:.1%}), {row.validity}"
            )
            lines += [f"    {reason}" for reason in row.reasons]
    usable = [one for one in subjects if one.is_valid]
    if not usable:
        return "\n".join([*lines, "No subject is valid: there is nothing to route by."])
    for column, model in enumerate(models):
        answers = [[bool(x)] for one in usable for x in one.correct[:, column]]
        found = clustered_interval(answers)
        if found:
            total = f"{found.accuracy:.1%} ({found.low:.1%} to {found.high:.1%})"
            lines.append(f"  {model} over all valid subjects: {total}")
    level = routing_level(len(usable))
    everything = {one.name: np.arange(len(one.items)) for one in usable}
    best, rules = learn_rules(usable, everything, dollars, level)
    chosen = {rule.subject: rule.model for rule in rules}
    lines.append(f"{len(rules)} rules by the engine's YES on all items:")
    lines += [f"  {r.subject} -> {models[r.model]}: {r.verdict.reasons[0].text}" for r in rules]
    correct = np.concatenate([one.correct for one in usable])
    route = np.concatenate([np.full(len(one.items), chosen.get(one.name, best)) for one in usable])
    costs = np.broadcast_to(np.array(dollars), correct.shape)
    lines.append(render_comparison(compare_routing(correct, costs, route, rng=rng)))
    gain = measure_gain(usable, dollars, level, rng=rng, splits=splits)
    a, s = gain.accuracy, gain.saved
    lines.append(
        f"Learned on half, tested on the other, {splits} times: {100 * a.value:+.2f} points"
        f" ({100 * a.low:+.2f} to {100 * a.high:+.2f}) over the best single model, cost saved"
        f" {s.value:.1%} ({s.low:.1%} to {s.high:.1%}), {gain.rules:.1f} rules"
    )
    return "\n".join(lines)
