"""The step `trace_turn`: one recorded turn of an agent in production, asked again of a prompt.

The whole prompt file is the system text. Tools answer from the trace; one that was not called there
ends the turn, since nothing is known of what it would answer.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from adapters.step.prompt_file import PromptFileStep
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import CallRefused, ConfigError, StoreError
from prompt_lab.evaluate.answers import blob_id, parse_answer, request_sha256, text_sha256
from prompt_lab.ports import Answer, Request, StepJob
from prompt_lab.production.trace_plans import (
    ANSWER,
    CONTRACT_FILE,
    answer_schema,
    read_turn,
    render_turn,
    score_turn,
    take_output,
)
from prompt_lab.prompts.files import decode_text
from prompt_lab.records import RunError
from prompt_lab.step_results import StepResult
from prompt_lab.store.files import write_text
from prompt_lab.store.plans import read_plan

MOST_CALLS: Final = 4
CHARACTERS_A_TOKEN: Final = 3
"""Few enough that a content at its limit fits into the answer's tokens."""
FRAME_TOKENS: Final = 24
"""Of the JSON around a content."""


class TraceTurnStep(PromptFileStep):
    """Inputs by config: one file, the turn. The gold is the turn's contract."""

    outputs = (CONTRACT_FILE,)
    takes_scorer = False

    def __init__(self, config: StepConfig) -> None:
        if len(config.inputs) != 1:
            raise ConfigError(
                [
                    f"configs/steps/{config.name}.yaml: inputs: name one file of the plans that are"
                    " built from traces, [<prompt id>.turn.json]"
                ]
            )
        self.inputs = config.inputs
        super().__init__(config)

    def execute(self, job: StepJob) -> StepResult:
        """The calls of one turn. Raises TargetError or StoreError for files that cannot be read."""
        content = self._read(job.worktree)
        first = self._request(content, job.plan_dir, job.seed)
        error = self._take_turn(job, first)
        prompt = decode_text(content[self._config.prompt])
        files = {path: blob_id(read) for path, read in content.items()}
        return StepResult(files, text_sha256(prompt), request_sha256(first), error)

    def _take_turn(self, job: StepJob, request: Request) -> RunError | None:
        turn = self._turn(job.plan_dir)
        done: list[tuple[str, str]] = []
        steps: list[dict[str, Any]] = []
        for _ in range(MOST_CALLS):
            try:
                answer = job.ask(self._with_user(request, render_turn(turn, done)))
            except CallRefused as refused:
                self._forget(job.out_dir)
                return RunError(kind=refused.kind, message=str(refused))
            step = self._parse(answer, request.schema)
            if isinstance(step, RunError):
                self._forget(job.out_dir)
                return step
            steps.append(step)
            output = take_output(turn, done, step["action"])
            if step["action"] == ANSWER or output is None:
                break
            done.append((step["action"], output))
        text = json.dumps({"steps": steps}, ensure_ascii=False, indent=2) + "\n"
        write_text(job.out_dir / self.outputs[0], text, durable=False)
        return None

    def _parse(self, answer: Answer, schema: Mapping[str, Any] | None) -> dict[str, Any] | RunError:
        return parse_answer(
            answer.text, schema, answer.finish_reason, extract=self._extracts(schema)
        )

    def _turn(self, plan_dir: Path) -> Any:
        name = self.inputs[0]
        return read_turn(read_plan(plan_dir, self.inputs, ()).inputs[name], str(plan_dir / name))

    def _request(self, content: Mapping[str, bytes], plan_dir: Path, seed: int | None) -> Request:
        turn = self._turn(plan_dir)
        longest = (self._config.max_tokens - FRAME_TOKENS) * CHARACTERS_A_TOKEN
        return Request(
            decode_text(content[self._config.prompt]).strip("\n"),
            render_turn(turn),
            answer_schema(turn, max(longest, 20)),
            self._config.max_tokens,
            seed,
        )

    def _with_user(self, request: Request, user: str) -> Request:
        return Request(request.system, user, request.schema, request.max_tokens, request.seed)

    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """`contract`, `right`, and each check."""
        try:
            return score_turn(gold, answer)
        except ValueError as error:
            raise StoreError(
                f"{CONTRACT_FILE}: is no contract of a turn. Delete the plan's folder; the next"
                " review builds it again."
            ) from error

    def find_prompt_fault(self, text: str) -> str | None:
        """A system text needs no placeholder."""
        return None if text.strip() else "is empty"

    def describe_prompt(self, text: str) -> str:  # noqa: ARG002 -- the port's
        """It is sent as it is."""
        return ""
