"""Steps whose prompt is a text file of the target: read, render, ask, parse, keep, score."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from adapters.step.scorers import digest_scorer, score_by
from prompt_lab.config.lab import GatewayConfig, StepConfig, TargetConfig
from prompt_lab.errors import CallRefused, StoreError, TargetError
from prompt_lab.evaluate.answers import (
    blob_id,
    find_refusal,
    parse_answer,
    render,
    request_sha256,
    text_sha256,
)
from prompt_lab.evaluate.normalize import field_credit
from prompt_lab.names import Side
from prompt_lab.ports import Answer, Request, StepJob, Workspace
from prompt_lab.prompts.files import decode_text
from prompt_lab.prompts.text import describe_placeholders, find_prompt_fault
from prompt_lab.records import RunError
from prompt_lab.step_results import AnswerScorer, ScoreResult, StepResult
from prompt_lab.store.files import write_text
from prompt_lab.store.plans import read_plan

_NO_OUTPUT = Path(os.devnull) / "nothing"


class PromptFileStep(ABC):
    """A step adapter for one prompt file, one optional schema, and one JSON object as answer.

    A subclass names its files and its `parts`. The stem of an input's file name is its
    placeholder in the prompt. The first output is the answer; the raw text of the model stands
    beside it as `<stem>_raw.txt`, whatever came of it.
    """

    in_own_process: ClassVar[bool] = False
    scoring_files: ClassVar[tuple[str, ...] | None] = None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    takes_scorer: ClassVar[bool] = True
    takes_checks: ClassVar[bool] = False

    def __init__(self, config: StepConfig, scorer: AnswerScorer | None = None) -> None:
        self.name = config.name
        self.sources = tuple(path for path in (config.prompt, config.schema_path) if path)
        self._config = config
        self._scorer = scorer
        has_scorer = scorer is not None or bool(config.checks)
        self._is_free_text = has_scorer and not self.outputs[0].endswith(".json")

    @abstractmethod
    def parts(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """Named credit in [0, 1], the same names whatever the answer; {} is a missing answer."""

    def credit(self, gold: dict[str, Any], answer: dict[str, Any]) -> dict[str, float]:
        """Gold field -> 1.0 where the answer equals it by the step's `compare`, else 0.0."""
        return field_credit(gold, answer, self._config.compare, self._config.compare_fields)

    def execute(self, job: StepJob) -> StepResult:
        """One call. Raises TargetError or StoreError for files that cannot be read."""
        content = self._read(job.worktree)
        prompt = _text(self._config.prompt, content[self._config.prompt])
        request = self._request(content, job.plan_dir, job.seed)
        error: RunError | None
        try:
            error = self._keep(job.out_dir, job.ask(request), request.schema)
        except CallRefused as refused:
            self._forget(job.out_dir)
            error = RunError(kind=refused.kind, message=str(refused))
        files = {path: blob_id(read) for path, read in content.items()}
        return StepResult(files, text_sha256(prompt), request_sha256(request), error)

    def build_request(self, worktree: Path, plan_dir: Path, seed: int | None) -> Request:
        """The request that `execute` would make. Raises TargetError or StoreError as it does."""
        return self._request(self._read(worktree), plan_dir, seed)

    def score(self, plan_dir: Path, out_dir: Path) -> dict[str, float]:
        """Parts against the plan's gold answer; a missing or broken output has no credit.

        Raises StoreError where the plan has no gold answer to score against.
        """
        name = self.outputs[0]
        texts = read_plan(plan_dir, (), self.outputs).gold
        if self._scorer is not None:
            return score_by(
                self._scorer, *self._read_compared(plan_dir, out_dir), self._config.primary
            )
        if name not in texts:
            raise StoreError(
                f"{plan_dir / name}: is missing, and {self.name!r} is scored against it. "
                "Add the right answer there, or take the plan out of the baseline."
            )
        gold = self._gold(plan_dir, texts[name])
        parts = self.parts(gold, _answer(out_dir / name))
        if self._config.primary not in parts:
            raise StoreError(
                f"{plan_dir / name}: gives the parts {', '.join(parts) or 'none'}, but the primary "
                f"one of {self.name!r} is {self._config.primary!r}. Correct the gold answer, or "
                "'primary' in configs/steps."
            )
        return parts

    def _read_compared(
        self, plan_dir: Path, out_dir: Path
    ) -> tuple[dict[str, Any] | str | None, dict[str, Any] | str]:
        """The right answer, None if the plan has none, and the answer, empty if it is missing."""
        name = self.outputs[0]
        given = read_plan(plan_dir, (), self.outputs).gold.get(name)
        right = given if given is None or self._is_free_text else self._gold(plan_dir, given)
        answer = _text_answer(out_dir / name) if self._is_free_text else _answer(out_dir / name)
        return right, answer

    def _gold(self, plan_dir: Path, text: str) -> dict[str, Any]:
        if not text.strip():
            raise StoreError(
                f"{plan_dir / self.outputs[0]}: is empty, and {self.name!r} is scored against it. "
                "Write the right answer there, or take the plan out of the baseline."
            )
        gold = parse_answer(text, None)
        if isinstance(gold, RunError) or not gold:
            why = "has no fields" if not isinstance(gold, RunError) else gold.message
            raise StoreError(f"{plan_dir / self.outputs[0]}: is no gold answer: {why}. Correct it.")
        return gold

    def score_traced(self, plan_dir: Path, out_dir: Path) -> ScoreResult:
        """`score`: no file outside is read."""
        return ScoreResult(self.score(plan_dir, out_dir), {})

    def load(self, worktree: Path, side: Side) -> None:  # noqa: B027 -- nothing to do is the rule
        """A prompt file takes no loading."""

    def check(self) -> None:  # noqa: B027 -- nothing to do is the rule
        """Nothing can be wrong before there is a worktree."""

    def check_gold(self, plan_dir: Path) -> None:
        """Raises StoreError for a plan whose gold answer cannot score an answer."""
        self.score(plan_dir, _NO_OUTPUT)

    def find_prompt_fault(self, text: str) -> str | None:
        """Why a prompt would be sent without its input, as the end of a sentence."""
        return find_prompt_fault(text, self._placeholders, self._config.placeholder_style)

    def describe_prompt(self, text: str) -> str:
        """Which placeholders a prompt has."""
        return describe_placeholders(text, self._placeholders, self._config.placeholder_style)

    def prompt_in(self, source: str) -> str:
        """The file is the prompt."""
        return source

    def prompt_sha256(self, workspace: Workspace, commit: str, *, stored: bool = False) -> str:
        """Of the prompt file at a commit."""
        return text_sha256(workspace.read(commit, self.sources[0], stored=stored))

    def prompt_text(self, workspace: Workspace, commit: str) -> str:
        """The prompt file at a commit."""
        return workspace.read(commit, self.sources[0])

    def source_paths(self, worktree: Callable[[], Path]) -> tuple[str, ...]:  # noqa: ARG002 -- the port's
        """Prompt and schema."""
        return self.sources

    def environment(self, worktree: Callable[[], Path], side: Side) -> dict[str, str]:  # noqa: ARG002 -- the port's
        """Nothing of the target runs."""
        return {}

    def digest_text(
        self,
        target: TargetConfig,  # noqa: ARG002 -- the port's
        gateway: GatewayConfig,  # noqa: ARG002 -- the port's
        *,
        answer: bool = False,
    ) -> str:
        """The code of the scorer, which decides a run and not its answer."""
        return "" if answer or self._scorer is None else digest_scorer(self._scorer)

    def close(self) -> None:  # noqa: B027 -- nothing to do is the rule
        """There is no process to end."""

    @property
    def _placeholders(self) -> list[str]:
        return [Path(name).stem for name in self.inputs]

    def _read(self, worktree: Path) -> dict[str, bytes]:
        return {path: _source(worktree, path) for path in self.sources}

    def _request(self, content: Mapping[str, bytes], plan_dir: Path, seed: int | None) -> Request:
        prompt = _text(self._config.prompt, content[self._config.prompt])
        return render(
            prompt,
            self._fill(prompt, plan_dir),
            _schema(self._config.schema_path, content),
            max_tokens=self._config.max_tokens,
            seed=seed,
            style=self._config.placeholder_style,
        )

    def _fill(self, prompt: str, plan_dir: Path) -> Mapping[str, str]:  # noqa: ARG002 -- a subclass's
        """Placeholder -> text."""
        texts = read_plan(plan_dir, self.inputs, ()).inputs
        return {Path(name).stem: texts[name].strip("\n") for name in self.inputs}

    def _keep(
        self, out_dir: Path, answer: Answer, schema: Mapping[str, Any] | None
    ) -> RunError | None:
        """Write the raw answer and, where it is a good one, the output; else say why it is not."""
        output = out_dir / self.outputs[0]
        write_text(
            output.with_name(f"{output.stem}_raw.txt"), _writable(answer.text), durable=False
        )
        if self._is_free_text:
            return self._keep_text(output, answer)
        parsed = parse_answer(
            answer.text, schema, answer.finish_reason, extract=self._extracts(schema)
        )
        if isinstance(parsed, RunError):
            self._forget(out_dir)
            return parsed
        text = json.dumps(parsed, ensure_ascii=False, indent=2) + "\n"
        write_text(output, _writable(text), durable=False)
        return None

    def _extracts(self, schema: Mapping[str, Any] | None) -> bool:
        """Whether one object within the text is an answer: by default where none is enforced."""
        if self._config.answer in ("auto", "json"):
            return schema is None
        return self._config.answer == "extract"

    def _keep_text(self, output: Path, answer: Answer) -> RunError | None:
        if refusal := find_refusal(answer.text, answer.finish_reason):
            self._forget(output.parent)
            return refusal
        if answer.finish_reason == "length":
            self._forget(output.parent)
            why = f"the token limit cut the answer after {len(answer.text)} characters"
            return RunError(kind="truncated", message=why)
        if not answer.text.strip():
            self._forget(output.parent)
            return RunError(kind="empty_answer", message="the model gave an empty answer")
        write_text(output, _writable(answer.text), durable=False)
        return None

    def _forget(self, out_dir: Path) -> None:
        """Take away what an attempt that was killed half-way left: it is not this run's output."""
        (out_dir / self.outputs[0]).unlink(missing_ok=True)


@lru_cache(maxsize=256)
def _resolve_source(worktree: Path, path: str) -> Path:
    """Where a source really lies; kept, since every run asks and a look takes many calls."""
    root = worktree.resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root):
        raise TargetError(f"{path!r} leads out of the target. Name a file inside it in the step.")
    return file


def _source(worktree: Path, path: str) -> bytes:
    file = _resolve_source(worktree, path)
    try:
        return file.read_bytes()
    except OSError as error:
        raise TargetError(
            f"{path!r} cannot be read in the target: {error.strerror}. Add it there, or correct "
            "its path in configs/steps."
        ) from error


def _text(path: str, content: bytes) -> str:
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        raise TargetError(
            f"{path!r} in the target is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        ) from error


def _schema(path: str, content: Mapping[str, bytes]) -> dict[str, Any] | None:
    if not path:
        return None
    try:
        schema = json.loads(_text(path, content[path]))
    except json.JSONDecodeError as error:
        raise TargetError(
            f"{path}:{error.lineno}: the schema is not JSON: {error.msg}. Correct it in the target."
        ) from error
    if not isinstance(schema, dict):
        raise TargetError(f"{path}:1: the schema must be a JSON object. Correct it in the target.")
    return schema


def _answer(path: Path) -> dict[str, Any]:
    try:
        answer = parse_answer(path.read_text(encoding="utf-8-sig"), None)
    except (OSError, UnicodeDecodeError):
        return {}
    return {} if isinstance(answer, RunError) else answer


def _text_answer(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _writable(text: str) -> str:
    """Half a surrogate pair, which UTF-8 cannot hold, becomes the escape that JSON has for it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
