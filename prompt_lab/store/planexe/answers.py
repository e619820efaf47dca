"""What the models of another tool's lab answered, as recordings have it: call by call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.lenient import (
    Faults,
    children,
    clean,
    count,
    is_folder,
    number,
    read_object,
    read_objects,
)
from prompt_lab.store.planexe.runs import model_of
from prompt_lab.store.planexe.usage import LOG

RESPONSES = "responses"
"""The key of a raw output under which the answers of all calls stand, in their order."""


class RunAnswers(NamedTuple):
    """The answers of one run: {"text": JSON, "input_tokens", …} each, as far as they were kept."""

    model: str
    plan: str
    answers: list[dict[str, Any] | None]
    source: str


def answers_of(lab: Lab, folder: Path) -> Iterator[RunAnswers]:
    """Each plan of a run folder whose answers were kept; others are left out. Never raises."""
    faults: Faults = []
    model = model_of(read_object(folder / "meta.json", faults), faults)
    for out in children(folder / "outputs"):
        if not is_folder(out):
            continue
        raws = sorted(path for path in children(out) if path.name.endswith("_raw.json"))
        said = [found for path in raws if (found := _responses(path))]
        if said:
            yield RunAnswers(model, out.name, _with_tokens(said[0], out), lab.relative(out))


def _responses(path: Path) -> list[Any]:
    found = read_object(path, []).get(RESPONSES)
    return found if isinstance(found, list) else []


def _with_tokens(responses: list[Any], out: Path) -> list[dict[str, Any] | None]:
    """The log names the tokens of each call; where it lists other calls too, none are given."""
    rows = read_objects(out / LOG, [])
    told = [row for row in rows if "input_tokens" in row and row.get("success") is not False]
    known = told if len(told) == len(responses) else [{} for _ in responses]
    return [
        {"text": json.dumps(response, ensure_ascii=False), **_read_answer_row(row)}
        for response, row in zip(responses, known, strict=True)
    ]


def _read_answer_row(row: dict[str, Any]) -> dict[str, Any]:
    if not row:
        return {}
    tokens = {key: count(row.get(key)) for key in ("input_tokens", "output_tokens")}
    seconds = number(row.get("duration_seconds"))
    return {**tokens, "model": clean(row.get("model")), "seconds": seconds}
