"""Potential levers: the choices that most decide how a plan goes, asked for three times."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from planner.models import Models, NoAnswer

RAW = "002-9-potential_levers_raw.json"
CLEAN = "002-10-potential_levers.json"

POTENTIAL_LEVERS_PROMPT = """
You help people who start a project to see which decisions matter. You are given a plan and its
purpose. Answer with three or four levers: decisions that are still open and that change how the
plan ends.

For each lever give
- name: two to six words that say what is decided.
- consequences: what follows from the decision, what it costs, and who bears it. One or two
  sentences.
- options: exactly three ways to decide. Each is a full sentence and rules the other two out.
- review: the weak spot of these three options, in one sentence, such as "The options overlook the
  winter months."

Stay with the facts of the plan. Write in the language of the plan.
""".strip()

MORE = """
Give more levers for the same plan, three or four, in the same form. They must be about other
decisions than these, which are known already: {names}.

{question}
""".strip()


# `json_schema_extra` goes into the schema that models are sent, so that small ones keep to the
# point and come to an end. It is not checked: an answer that is longer, or says more, is valid.
CLOSED = ConfigDict(json_schema_extra={"additionalProperties": False})
Option = Annotated[str, Field(json_schema_extra={"maxLength": 120})]


class Lever(BaseModel):
    """One decision with its three options."""

    model_config = CLOSED

    name: str = Field(min_length=3, json_schema_extra={"maxLength": 60})
    consequences: str = Field(min_length=10, json_schema_extra={"maxLength": 200})
    options: list[Option] = Field(json_schema_extra={"minItems": 3, "maxItems": 3})
    # Answers that were recorded with an earlier schema call it review_lever.
    review: str = Field(
        validation_alias=AliasChoices("review", "review_lever"),
        min_length=10,
        json_schema_extra={"maxLength": 120},
    )

    @field_validator("options")
    @classmethod
    def exactly_three(cls, options: list[str]) -> list[str]:
        """Three, none of them empty."""
        kept = [option.strip() for option in options]
        if len(kept) != 3:
            raise ValueError(f"there must be exactly three options, there are {len(kept)}")
        if not all(kept):
            raise ValueError("an option is empty")
        return kept


class Levers(BaseModel):
    """The answer to one call."""

    model_config = CLOSED

    levers: list[Lever] = Field(min_length=1, json_schema_extra={"minItems": 3, "maxItems": 4})


@dataclass
class Outcome:
    """What the three calls gave; a call that failed is a line in `faults`."""

    system_prompt: str
    user_prompt: str
    responses: list[Levers] = field(default_factory=list)
    answered_by: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def levers(self) -> list[Lever]:
        """Those of all calls, in their order."""
        return [lever for response in self.responses for lever in response.levers]


def identify(plan: str, purpose: str, models: Models) -> Outcome:
    """Ask three times, each time for others. Raises NoAnswer where all three calls fail."""
    question = f"Purpose:\n{purpose.strip()}\n\nPlan:\n{plan.strip()}"
    outcome = Outcome(POTENTIAL_LEVERS_PROMPT, question)
    failed: list[NoAnswer] = []
    for _ in range(3):
        names = "; ".join(lever.name for lever in outcome.levers())
        user = MORE.format(names=names, question=question) if names else question
        try:
            answer, name = models.ask(outcome.system_prompt, user, Levers)
        except NoAnswer as error:
            failed.append(error)
            outcome.faults.append(str(error))
            continue
        outcome.responses.append(answer)
        outcome.answered_by.append(name)
    if not outcome.responses:
        raise NoAnswer(outcome.faults, reached=any(e.kind != "unreachable" for e in failed))
    return outcome


def raw(outcome: Outcome) -> dict[str, Any]:
    """Everything that was asked and answered."""
    return {
        "responses": [response.model_dump() for response in outcome.responses],
        "levers": clean(outcome),
        "metadata": {"answered_by": outcome.answered_by, "faults": outcome.faults},
        "system_prompt": outcome.system_prompt,
        "user_prompt": outcome.user_prompt,
    }


def clean(outcome: Outcome) -> list[dict[str, Any]]:
    """The levers alone, numbered."""
    return [
        {"lever_id": f"L{number:02d}", **lever.model_dump()}
        for number, lever in enumerate(outcome.levers(), start=1)
    ]


def save(outcome: Outcome, raw_path: Path, clean_path: Path) -> None:
    """Write both files; the clean one last, since the next step waits for it."""
    for path, value in ((raw_path, raw(outcome)), (clean_path, clean(outcome))):
        path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
