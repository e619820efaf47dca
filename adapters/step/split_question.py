"""The step `split_question`: a question of a challenge set, asked whole or by its parts.

The prompt says which: with {{ question }} one call asks all of it, with {{ part }} the same prompt
asks each part of its intent graph, and the whole question beside them as the fallback.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from adapters.step.prompt_file_config import ConfiguredPromptFile
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import CallRefused, ConfigError, StoreError
from prompt_lab.evaluate.answers import blob_id, find_refusal, render, request_sha256, text_sha256
from prompt_lab.names import count
from prompt_lab.ports import Answer, Request, StepJob
from prompt_lab.promptops.decomposition.graph import MOST_PARTS, build_intent_graph
from prompt_lab.promptops.decomposition.records import IntentNode, QueryLabels
from prompt_lab.promptops.merging.conflicts import WHOLE
from prompt_lab.promptops.merging.merge import align_confidence
from prompt_lab.promptops.merging.records import (
    PART,
    QUESTION,
    SPLIT_FILE,
    PartAnswer,
    SplitAnswer,
)
from prompt_lab.promptops.merging.run import answer_by_parts
from prompt_lab.promptops.question_plans import render_question, split_question
from prompt_lab.prompts.files import decode_text
from prompt_lab.prompts.text import placeholders
from prompt_lab.records import RunError
from prompt_lab.step_results import AnswerScorer, StepResult
from prompt_lab.store.files import write_record
from prompt_lab.store.plans import read_plan


class SplitQuestion(ConfiguredPromptFile):
    """Inputs by config: the question, and the labels of its parts as JSON."""

    def __init__(self, config: StepConfig, scorer: AnswerScorer | None = None) -> None:
        if len(config.inputs) != 2:
            raise ConfigError(
                [
                    f"configs/steps/{config.name}.yaml: inputs: name the two files of a plan,"
                    " [<prompt id>.question.txt, <prompt id>.labels.json]"
                ]
            )
        super().__init__(config, scorer)

    def execute(self, job: StepJob) -> StepResult:
        """One call, or those of all parts. Raises TargetError, or StoreError where a file fails."""
        content = self._read(job.worktree)
        prompt = decode_text(content[self._config.prompt])
        text, labels = self._question(job.plan_dir)
        request = self._ask_for(prompt, text, job.seed)
        error: RunError | None
        try:
            if PART in placeholders(prompt):
                answer = self._ask_by_parts(job, prompt, request, (text, labels))
            else:
                answer = job.ask(request)
            error = self._keep(job.out_dir, answer, None)
        except CallRefused as refused:
            self._forget(job.out_dir)
            error = RunError(kind=refused.kind, message=str(refused))
        files = {path: blob_id(read) for path, read in content.items()}
        return StepResult(files, text_sha256(prompt), request_sha256(request), error)

    def find_prompt_fault(self, text: str) -> str | None:
        """It needs one of the two placeholders."""
        there = {PART, QUESTION} & set(placeholders(text))
        return None if len(there) == 1 else f"needs {{{{ {QUESTION} }}}} or {{{{ {PART} }}}}"

    def describe_prompt(self, text: str) -> str:
        """Which way the question is asked."""
        return "by parts" if PART in placeholders(text) else "whole"

    def _fill(self, prompt: str, plan_dir: Path) -> Mapping[str, str]:
        return {_slot(prompt): self._question(plan_dir)[0]}

    def _question(self, plan_dir: Path) -> tuple[str, QueryLabels]:
        texts = read_plan(plan_dir, self.inputs, ()).inputs
        name, labels = self.inputs
        try:
            found = QueryLabels.model_validate_json(texts[labels])
        except ValidationError as error:
            raise StoreError(
                f"{plan_dir / labels}: holds no labels ({count(error.error_count(), 'fault')})."
                " Delete the plan's folder; the next growth of the challenge set makes it again."
            ) from error
        return texts[name].strip("\n"), found

    def _ask_for(self, prompt: str, text: str, seed: int | None) -> Request:
        return render(
            prompt,
            {_slot(prompt): text},
            None,
            max_tokens=self._config.max_tokens,
            seed=seed,
            style=self._config.placeholder_style,
        )

    def _ask_by_parts(
        self, job: StepJob, prompt: str, whole: Request, query: tuple[str, QueryLabels]
    ) -> Answer:
        """The merged answer; that to the whole question, unchanged, where the parts lose."""
        text, labels = query
        question, sources = split_question(text)
        given: list[Answer] = []

        def ask_whole() -> PartAnswer:
            answer = job.ask(whole)
            given.append(answer)
            return _read_part(WHOLE, question, sources, answer)

        def ask_part(node: IntentNode, asked: str) -> PartAnswer:
            filled = render_question(asked, sources)
            answer = job.ask(self._ask_for(prompt, filled, job.seed))
            return _read_part(node.id, asked, sources, answer)

        graph = build_intent_graph(question, labels)
        # The model's own queue holds back what is more than its concurrency.
        merged = answer_by_parts(graph, ask_part, ask_whole, at_once=MOST_PARTS + 1)
        split = SplitAnswer(graph=graph, merged=merged)
        write_record(job.out_dir / SPLIT_FILE, split, durable=False)
        if merged.fallback_used and given:
            return given[0]
        empty = Answer(text="", input_tokens=0, output_tokens=0, seconds=merged.seconds)
        return replace(given[0] if given else empty, text=merged.text, finish_reason="stop")


def _slot(prompt: str) -> str:
    return PART if PART in placeholders(prompt) else QUESTION


def _read_part(name: str, asked: str, sources: tuple[str, ...], answer: Answer) -> PartAnswer:
    """The answer as a part; one that was cut or withheld has failed."""
    refusal = find_refusal(answer.text, answer.finish_reason)
    error = refusal.message if refusal else ""
    if answer.finish_reason == "length":
        error = "the token limit cut the answer"
    return PartAnswer(
        node_id=name,
        text=answer.text,
        question=asked,
        confidence=align_confidence(answer.text, sources, asked),
        sources=sources,
        error=error,
        seconds=answer.seconds,
    )
