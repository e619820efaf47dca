"""The calls that a judge takes for a pair of runs: one for each order of the two answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from prompt_lab.config.models import ModelConfig
from prompt_lab.evaluate.batches import seed_of
from prompt_lab.evaluate.judged import Contest, Judgement, judgement, kind_of
from prompt_lab.evaluate.llm_judge import (
    JudgeChoice,
    JudgePrompt,
    Shown,
    orders,
    parse,
    request_key,
)
from prompt_lab.ports import Request
from prompt_lab.records import RunRow


class JudgeQuestion(NamedTuple):
    """One call of the judge: a pair in one of its orders."""

    key: str
    request: Request
    contest: Contest
    candidate_first: bool


@dataclass(frozen=True)
class Judge:
    """The model that judges, and what it is asked by."""

    model: ModelConfig
    prompt: JudgePrompt

    def questions(self, contest: Contest, inputs: Mapping[str, str]) -> tuple[JudgeQuestion, ...]:
        """With the baseline's answer first, then with the candidate's; none if none is needed."""
        if kind_of(contest) != "asked":
            return ()
        both = orders(answer_text(contest.baseline), answer_text(contest.candidate))
        return tuple(self._question(contest, inputs, shown) for shown in both)

    def _question(self, contest: Contest, inputs: Mapping[str, str], shown: Shown) -> JudgeQuestion:
        cell = contest.cell
        seed = seed_of(cell.plan, cell.replicate) if self.model.settings.seeded else None
        request = self.prompt.render(inputs, shown, seed)
        return JudgeQuestion(
            request_key(self.model, request), request, contest, shown.candidate_first
        )


def answer_text(row: RunRow) -> str:
    """A side's answer as the judge sees it: its file, or its files under their names."""
    if len(row.outputs) == 1:
        return next(iter(row.outputs.values()))
    return "\n\n".join(f"{name}:\n{text}" for name, text in sorted(row.outputs.items()))


def settle_contest(
    contest: Contest, asked: tuple[JudgeQuestion, ...], answers: Mapping[str, str], primary: str
) -> Judgement:
    """A pair settled by the answers (key -> text) to its questions; each must be among them."""
    said: list[JudgeChoice | None] = [parse(answers[question.key]) for question in asked]
    settled = judgement(contest, (said[0], said[1]) if said else None, primary)
    return settled.model_copy(update={"asked": tuple(question.key for question in asked)})
