"""Scores a skill file by the rubric beside this script, from what its text is; no model."""

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HEAD = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)
FENCE = re.compile(r"^```\w*\n.+?^```$", re.MULTILINE | re.DOTALL)


class Skill(NamedTuple):
    """A skill file in parts; a section's name in lower case -> its text."""

    description: str
    body: str
    sections: dict[str, str]

    def items(self, section: str, sign: str) -> list[str]:
        """The list items of a section."""
        text = self.sections.get(section, "")
        return re.findall(rf"^{sign} +(.+)$", text, re.MULTILINE)


def read(text: str) -> Skill:
    """The parts of a skill file; what is not there is empty."""
    found = HEAD.match(text)
    try:
        head = yaml.safe_load(found.group(1)) if found else {}
    except yaml.YAMLError:
        head = {}
    description = str(head.get("description", "")) if isinstance(head, dict) else ""
    body = text[found.end() :] if found else text
    parts = SECTION.split(body)
    sections = dict(zip([name.lower() for name in parts[1::2]], parts[2::2], strict=True))
    return Skill(description, body, sections)


def credits(skill: Skill, rubric: dict[str, Any]) -> dict[str, float]:
    """Criterion -> credit in [0, 1]."""
    steps, checks = skill.items("steps", r"\d+\."), skill.items("check", "-")
    low, high = rubric["description_characters"]
    when = "use when" in skill.description.lower() or "use it when" in skill.description.lower()
    brief = [len(step.split()) <= rubric["most_words_in_a_step"] for step in steps]
    wanted = [name.lower() for name in rubric["sections"]]
    words = "|".join(map(re.escape, rubric["vague"]))
    vague = re.findall(rf"\b(?:{words})\b", skill.body.lower())
    return {
        "description": (when + (low <= len(skill.description) <= high)) / 2,
        "sections": share([bool(skill.sections.get(name, "").strip()) for name in wanted]),
        "steps": share(brief) if len(steps) <= rubric["most_steps"] else 0.0,
        "commands": share(["`" in step for step in steps]),
        "checks": min(1.0, sum("`" in check for check in checks) / rubric["least_checks"]),
        "example": float(bool(FENCE.search(skill.body))),
        "plain": max(0.0, 1 - len(vague) / 3),
    }


def share(found: list[bool]) -> float:
    """The share that is true; none of none."""
    return sum(found) / len(found) if found else 0.0


def main(path: Path) -> None:
    """Print the score of one skill file as JSON."""
    rubric = yaml.safe_load(Path(__file__).with_name("rubric.yaml").read_text("utf-8"))
    text = path.read_text("utf-8")
    found = credits(read(text), rubric)
    weights = rubric["weights"]
    score = sum(weights[name] * value for name, value in found.items()) / sum(weights.values())
    metrics = {**found, "words": len(text.split())}
    print(json.dumps({"score": round(score, 6), "metrics": metrics}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
