"""The step `potential_levers`: a plan and its purpose in, levers with three options each out."""

import json
import re
from collections import Counter
from pathlib import Path

NAME = "potential_levers"
INPUTS = ("001-2-plan.txt", "002-6-identify_purpose.md")
OUTPUTS = ("002-10-potential_levers.json", "002-9-potential_levers_raw.json")
IMPORT_ROOTS = ("src",)
PACKAGES = ("planner",)
PROMPT = "planner.potential_levers:POTENTIAL_LEVERS_PROMPT"

ASKED = 9
"""Levers that three calls are asked for at least: to give fewer is no way to a better share."""
ALIKE = 0.6
"""Share of letter groups in common from which two levers count as one."""
HAN_AND_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def execute(plan_dir, out_dir, models):
    """Run it. What is imported here comes from the side's own commit."""
    # Imported here: where steps are scored there is no target.
    from planner import potential_levers, usage  # noqa: PLC0415

    plan, purpose = ((Path(plan_dir) / name).read_text("utf-8") for name in INPUTS)
    out, asked = Path(out_dir), potential_levers.Models(models)
    try:
        outcome = potential_levers.identify(plan, purpose, asked)
    except potential_levers.NoAnswer as error:
        return {
            "prompt": potential_levers.POTENTIAL_LEVERS_PROMPT,
            "error": {"kind": error.kind, "message": str(error)},
            "calls": len(asked.calls),
            "calls_succeeded": 0,
        }
    finally:
        usage.write_usage(out, asked.calls)
    potential_levers.save(outcome, out / OUTPUTS[1], out / OUTPUTS[0])
    return {
        "prompt": outcome.system_prompt,
        "calls": len(asked.calls),
        "calls_succeeded": len(outcome.responses),
        "answered_by": outcome.answered_by,
        "faults": outcome.faults,
    }


def score(plan_dir, out_dir):  # noqa: ARG001 -- there are no gold answers to look up
    """Parts in [0, 1]; `good` is the share of levers that have all of the other virtues."""
    try:
        levers = json.loads((Path(out_dir) / OUTPUTS[0]).read_text("utf-8"))
    except (OSError, ValueError):
        levers = []
    levers = [lever for lever in levers if isinstance(lever, dict)]
    marks = {
        "valid": [_valid(lever) for lever in levers],
        "three_options": [_three(lever) for lever in levers],
        "free_opener": _free_openers(levers),
        "distinct": _distinct(levers),
    }
    marks["good"] = [all(one) for one in zip(*marks.values(), strict=True)]
    most = max(len(levers), ASKED)
    return {name: sum(given) / most for name, given in marks.items()}


def _valid(lever):
    texts = [lever.get(key) for key in ("name", "consequences", "review")]
    whole = all(isinstance(text, str) and len(text.strip()) >= 3 for text in texts)
    return whole and "[" not in "".join(texts)  # a bracket is a blank that was never filled in


def _three(lever):
    options = lever.get("options")
    if not isinstance(options, list) or len(options) != 3:
        return False
    return len({str(option).strip().casefold() for option in options} - {""}) == 3


def _free_openers(levers):
    """False for a review that begins as most of the reviews do."""
    openers = [_opener(str(lever.get("review", ""))) for lever in levers]
    counts = Counter(openers)
    return [counts[opener] <= max(1, len(levers) / 2) for opener in openers]


def _opener(review):
    """Two words, or four signs where a language puts no space between its words."""
    words = re.findall(r"\w+", review.casefold())
    if words and HAN_AND_KANA.search(words[0]):
        return words[0][:4]
    return " ".join(words[:2])


def _distinct(levers):
    """False for a lever that says again what one before it has said."""
    seen, found = [], []
    for lever in levers:
        options = lever.get("options")
        text = f"{lever.get('name', '')} {options if isinstance(options, list) else ''}"
        parts = _letters(text)
        found.append(not any(_alike(parts, other) >= ALIKE for other in seen))
        seen.append(parts)
    return found


def _letters(text):
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    return {plain[i : i + 4] for i in range(max(1, len(plain) - 3))}


def _alike(one, other):
    return len(one & other) / max(1, len(one | other))
