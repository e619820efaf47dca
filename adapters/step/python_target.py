"""Steps whose code and prompt live in Python in the target: run there, by a step file of ours."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from adapters.step.answers import dead, error_of
from adapters.step.constants import text_constant
from adapters.step.folders import empty, plan_sources, stand
from adapters.step.process import TargetProcess
from adapters.step.sites import Sites
from adapters.step.step_file import read_step_file
from adapters.step.target_sandbox import OUR_CODE
from prompt_lab.config.lab import GatewayConfig, StepConfig, TargetConfig
from prompt_lab.errors import ConfigError, ScoreFailed, TargetError, TransientError
from prompt_lab.names import Side
from prompt_lab.own_process import Description, ProcessFacts, TargetLocation
from prompt_lab.ports import StepJob, Workspace
from prompt_lab.records import RunError
from prompt_lab.step_results import ScoreResult, StepResult
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.runs import LOG, OWN_FILES

_NOT_LOADED = {
    "name",
    "repository",
    "main",
    "code_host",
    "github",
    "candidate_interpreter",
    "cgroups",
}
"""Of the target's config: what no run depends on."""


class PythonTarget:
    """ports.StepAdapter for a step file with `execute` and `score`.

    One worker process a worktree imports the target once and forks for each plan. Scores come
    from a worker of its own, which has no worktree: no side grades itself.
    """

    in_own_process: ClassVar[bool] = True
    mode: ClassVar[str] = "python"

    def __init__(self, config: StepConfig, place: TargetLocation) -> None:
        self._config, self._place = config, place
        self._file = read_step_file((place.home / config.file).resolve(), self.mode)
        self.name = config.name
        self.inputs, self.outputs = self._file.inputs, self._file.outputs
        self.sources = (config.prompt, *self._file.sources)
        self.digest = _digest(self._file.sha256)
        self.answer_digest = _digest(self._file.answer_sha256)
        self.scoring_files = self._file.scoring_files
        self._sites = Sites(self._file, place, self.mode, config.limits.output_mb)

    def check(self) -> None:
        """Start the interpreters, and load the step file where it scores.

        Raises ConfigError for a NAME that is not the config's, TargetError for the rest.
        """
        if self._file.name != self.name:
            raise ConfigError(
                [f"{self._file.path}: NAME is {self._file.name!r}, but the config of the step is"
                 f" called {self.name!r}: give both one name"]
            )  # fmt: skip
        self._sites.try_out()
        self._scorer()

    def load(self, worktree: Path, side: Side) -> None:
        """Start the worktree's worker, which imports the target once."""
        self._sites.process_for(worktree, side)

    def execute(self, job: StepJob) -> StepResult:
        """Run one plan in a process of its own, on a copy of the plan.

        What the step does wrong is an `error`: exception, time_limit, output_limit,
        process_limit, memory_limit, died, import_failed, outputs_missing, step_error, or a kind
        that it names itself.
        """
        process, answer = self._ask(self._sites.process_for(job.worktree, job.side), job)
        if process.failed is not None:
            return self._stillborn(process)
        self._keep(process, job, answer)
        result = self._result(process, answer)
        return result if result.error else replace(result, error=self._missing_output(job.out_dir))

    def score(self, plan_dir: Path, out_dir: Path) -> dict[str, float]:
        """The parts that the step file gives. Raises as `score_traced` does."""
        return self.score_traced(plan_dir, out_dir).parts

    def score_traced(self, plan_dir: Path, out_dir: Path) -> ScoreResult:
        """The parts of the step file. Raises ScoreFailed; TargetError where it cannot be loaded."""
        with disk_errors(plan_dir):
            files = [*plan_sources(plan_dir, "plan"), *plan_sources(out_dir, "out", OWN_FILES)]
        answer = self._scorer().ask(self._order("score", plan_dir), files, None)
        outside = answer.get("outside", {})
        try:
            if answer["error"]:
                text = f"{self._file.path}: score() failed: {answer['error']['message']}"
                raise ScoreFailed(text)
            return ScoreResult(self._parts(answer.get("scores", {})), outside)
        except ScoreFailed as fault:
            fault.outside = outside
            raise

    def _scorer(self) -> TargetProcess:
        process = self._sites.scorer()
        if process.failed is not None:
            raise TargetError(
                f"{self._file.path}: cannot be loaded without the target, where it scores:"
                f" {process.failed['message']}\nImport the target inside execute(), since a side "
                "must not affect its own score."
            )
        return process

    def describe(self, worktree: Path, side: Side | None = None) -> Description:
        """What loading the step there gives. Raises TargetError where it cannot be loaded."""
        process = self._sites.process_for(worktree, side)
        if process.failed is not None:
            raise TargetError(
                f"{self.name!r} cannot be loaded in {worktree}: {process.failed['message']}"
            )
        ready = process.ready
        return Description(
            files=ready["files"],
            elsewhere={module: file for module, file in ready["elsewhere"].items() if file},
            prompt_sha256=ready["prompt_sha256"],
            prompt=ready["prompt"],
            python=ready["installed"]["python"],
            installed_sha256=ready["installed"]["sha256"],
        )

    def check_gold(self, plan_dir: Path) -> None:
        """What a step file makes of a plan without gold is its own affair."""

    def find_prompt_fault(self, text: str) -> str | None:  # noqa: ARG002 -- the port's
        """What the code does with its prompt is unknown."""
        return None

    def describe_prompt(self, text: str) -> str:  # noqa: ARG002 -- the port's
        """What the code does with its prompt is unknown."""
        return ""

    def prompt_sha256(self, workspace: Workspace, commit: str, *, stored: bool = False) -> str:
        """Of the prompt at a commit; '' where only running it would show it, and it cannot run."""
        text = self.prompt_in(workspace.read(commit, self.sources[0], stored=stored))
        if text is not None:
            return sha256(text.encode()).hexdigest()
        found = self._describe_clean(workspace, commit)
        return found.prompt_sha256 if found else ""

    def prompt_text(self, workspace: Workspace, commit: str) -> str:
        """The prompt at a commit; '' for a module of which no constant is the prompt."""
        if not self._file.prompt and self.sources[0].endswith(".py"):
            return ""
        text = self.prompt_in(workspace.read(commit, self.sources[0]))
        if text is not None:
            return text
        found = self._describe_clean(workspace, commit)
        return found.prompt if found else ""

    def _describe_clean(self, workspace: Workspace, commit: str) -> Description | None:
        """The step as the commit's worktree has it; None where that cannot be known."""
        tree = workspace.worktree(commit)
        if workspace.observe(tree) != (commit, True):
            return None  # what is there is not the commit's prompt
        try:
            return self.describe(tree)
        except TargetError:
            return None

    def source_paths(self, worktree: Callable[[], Path]) -> tuple[str, ...]:
        """`sources`, and all files of its packages."""
        return self.sources_in(worktree())

    def environment(self, worktree: Callable[[], Path], side: Side) -> dict[str, str]:
        """What a side's interpreter has installed makes another run, of the same files.

        No file has the name ''. A side that cannot be loaded fails in each of its runs.
        """
        try:
            found = self.describe(worktree(), side)
        except TargetError:
            return {}
        return {"": f"{found.python} {found.installed_sha256}"}

    def digest_text(
        self, target: TargetConfig, gateway: GatewayConfig, *, answer: bool = False
    ) -> str:
        """The target's config, recorded answers if any, the step file and the worker."""
        recorded = gateway.model_dump_json() if gateway.mode == "replay" else ""
        own = self.answer_digest if answer else self.digest
        return target.model_dump_json(exclude=_NOT_LOADED) + recorded + own

    def sources_in(self, worktree: Path) -> tuple[str, ...]:
        """`sources`, and every file of the step's packages as they lie in the worktree."""
        found = set(self.sources)
        for root in self._sites.import_roots:
            for package in self._sites.packages:
                place = worktree / root / package.replace(".", "/")
                files = [place.with_suffix(".py"), *place.rglob("*")]
                found |= {
                    file.relative_to(worktree).as_posix()
                    for file in files
                    if file.is_file() and "__pycache__" not in file.parts
                }
        return (self.sources[0], *sorted(found - {self.sources[0]}))

    def prompt_in(self, source: str) -> str | None:
        """The text of the constant that PROMPT names; the whole file where it names none."""
        if not self._file.prompt:
            return source
        return text_constant(source, self._file.prompt.partition(":")[2])

    def close(self) -> None:
        """End all workers."""
        self._sites.close()

    def _ask(self, process: TargetProcess, job: StepJob) -> tuple[TargetProcess, dict[str, Any]]:
        """Have a plan run; with a worker that dies, once more in a worker that is its own.

        A worker takes all its plans with it: alone it shows whose doing that was.
        """
        try:
            return process, self._send_job(process, job)
        except TransientError:
            empty(job.out_dir)
        with self._sites.extra_process(job.worktree, job.side) as own:
            started = time.monotonic()
            try:
                return own, self._send_job(own, job)
            except TransientError as error:
                return own, dead(str(error), time.monotonic() - started)

    def _send_job(self, process: TargetProcess, job: StepJob) -> dict[str, Any]:
        if process.failed is not None:
            return {}
        with disk_errors(job.plan_dir):
            files = plan_sources(job.plan_dir, "plan", self.scoring_files)
        order = self._order("execute", job.plan_dir, job.limit_seconds)
        models = [asdict(process.models.rewrite(model)) for model in job.models]
        stand(job.out_dir)
        return process.ask({**order, "models": models}, files, job.out_dir)

    def _order(self, kind: str, plan_dir: Path, seconds: float | None = None) -> dict[str, Any]:
        limits = self._config.limits
        return {
            "kind": kind,
            "plan": plan_dir.resolve().name,
            "models": [],
            "limits": {**limits.model_dump(), "seconds": seconds or limits.seconds},
        }

    def _stillborn(self, process: TargetProcess) -> StepResult:
        """The target could not be imported: the fault of this side, and of each of its runs."""
        failed = process.failed or {}
        error = RunError(kind="import_failed", message=failed.get("message", ""))
        facts = ProcessFacts(environment=tuple(sorted(process.environment)))
        return StepResult({}, "", "", error, facts)

    def _keep(self, process: TargetProcess, job: StepJob, answer: Mapping[str, Any]) -> None:
        """Its prints beside its files."""
        if text := answer["prints"]:
            for model in job.models:
                text = text.replace(process.models.rewrite(model).base_url, "<model>")
            write_text(job.out_dir / LOG, text, durable=False)

    def _result(self, process: TargetProcess, answer: Mapping[str, Any]) -> StepResult:
        ready, said = process.ready, answer["said"]
        facts = ProcessFacts(
            elsewhere=answer.get("elsewhere", ready["elsewhere"]),
            environment=tuple(sorted(process.environment)),
            python=ready["installed"]["python"],
            installed_sha256=ready["installed"]["sha256"],
            seconds=answer["seconds"],
            cpu_seconds=answer.get("cpu_seconds", 0.0),
            printed=answer["printed"],
            killed=answer["killed"],
            unbound=tuple(ready["unbound"]),
            said={key: value for key, value in said.items() if key not in ("prompt", "error")},
        )
        return StepResult(
            files=answer.get("files", ready["files"]),
            prompt_sha256=answer.get("prompt_sha256", ready["prompt_sha256"]),
            request_sha256="",
            error=error_of(answer["error"] or said.get("error")),
            process=facts,
            prompt=text if isinstance(text := said.get("prompt"), str) else None,
            plan_read=None if answer.get("plan_read") is None else tuple(answer["plan_read"]),
            outside=answer.get("outside", {}),
        )

    def _missing_output(self, out_dir: Path) -> RunError | None:
        """The error of a step that ended without an output that its file declares."""
        missing = [name for name in self.outputs if not (out_dir / name).exists()]
        if not missing:
            return None
        told = f"the step ended without {', '.join(map(repr, missing))}, which OUTPUTS declares"
        return RunError(kind="outputs_missing", message=told)

    def _parts(self, parts: Mapping[str, float]) -> dict[str, float]:
        primary = self._config.primary
        if primary not in parts:
            raise ScoreFailed(
                f"{self._file.path}: score() gives {', '.join(parts) or 'nothing'}, but the"
                f" primary part of {self.name!r} is {primary!r}. Correct one of them."
            )
        for name, value in parts.items():
            if not 0.0 <= value <= 1.0:
                raise ScoreFailed(
                    f"{self._file.path}: score() gives {name!r} = {value!r}; parts are in [0, 1]."
                )
        return dict(parts)


def _digest(step_file: str) -> str:
    """Of the step file and of all modules of the worker, which decide what a run comes to."""
    worker = [path.read_bytes() for folder in OUR_CODE for path in sorted(folder.glob("*.py"))]
    return sha256(b"\0".join([step_file.encode(), *worker])).hexdigest()
