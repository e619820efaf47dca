"""Make one run: call the step adapter, score what came out, write it down."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from math import fsum
from pathlib import Path

from pipeline.base import utc_now
from pipeline.context import Context
from pipeline.deadline import within
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError, OutsideFailure
from prompt_lab.evaluate.batches import seed_of
from prompt_lab.names import Side, Status
from prompt_lab.own_process import Line, ModelGateway
from prompt_lab.ports import Answer, Llm, Request, StepAdapter, StepJob, StepResult
from prompt_lab.records import (
    LIVE,
    CallNote,
    ProcessRecord,
    RunError,
    RunKey,
    RunRecord,
    Sent,
    Usage,
)
from prompt_lab.store import runs as store
from prompt_lab.store.batch import PlannedRun
from prompt_lab.store.plans import has_gold


@dataclass(frozen=True)
class Site:
    """Where one side runs: its worktree, as it was found when the batch began."""

    commit: str
    worktree: Path
    head: str
    tree_clean: bool


@dataclass
class Meter:
    """Counts what the calls of one run consume. Costs are US dollars, times seconds."""

    llm: Llm
    config: ModelConfig
    answers: list[Answer] = field(default_factory=list)
    calls: int = 0
    fallbacks: Mapping[str, ModelConfig] = field(default_factory=dict)
    """Other models that may answer in its place, by alias."""

    def ask(self, request: Request) -> Answer:
        """Pass a request on and note what it took."""
        self.calls += 1
        answer = self.llm.ask(request)
        self.answers.append(answer)
        return answer

    def seconds(self) -> float:
        """Of the calls alone."""
        return sum(a.seconds for a in self.answers)

    def answered_by(self) -> str:
        """The model ids that answered; the configured one where the server does not say."""
        answered = {a.answered_by or self.config_of(a.alias).id for a in self.answers}
        return ", ".join(sorted(answered)) or self.config.id

    def usage(self) -> Usage:
        """The sums."""
        answers = self.answers
        costs = [self.config_of(a.alias).cost(a.input_tokens, a.output_tokens) for a in answers]
        return Usage(
            calls=self.calls,
            calls_succeeded=len(answers),
            retries=sum(a.retries for a in answers),
            input_tokens=sum(a.input_tokens for a in answers),
            output_tokens=sum(a.output_tokens for a in answers),
            cost_usd=sum(costs),
            seconds_waited=sum(a.waited for a in answers),
        )

    def config_of(self, alias: str) -> ModelConfig:
        """The model that an alias stands for; the first one where it is none of the others."""
        return self.fallbacks.get(alias, self.config)


UNREACHABLE = "unreachable"
"""The kind of a step's error that says that no model could be reached at all."""
SERVER_ERROR = 500


@dataclass
class Told(Meter):
    """The same of a step that asks its models in a process of its own, as the gateway saw it."""

    notes: Sequence[CallNote] = ()
    seconds_run: float = 0.0

    def answered_by(self) -> str:
        """The model ids that answered."""
        ids = {note.model_id or note.answered_by for note in self.notes if note.answered_by}
        return ", ".join(sorted(ids)) or self.config.id

    def usage(self) -> Usage:
        """The sums, whatever the step itself says of them."""
        notes = self.notes
        return Usage(
            calls=len(notes),
            calls_succeeded=sum(bool(note.answered_by) for note in notes),
            retries=sum(note.retries for note in notes),
            input_tokens=sum(note.input_tokens for note in notes),
            output_tokens=sum(note.output_tokens for note in notes),
            cost_usd=fsum(note.cost_usd for note in notes),
            seconds_waited=fsum(note.waited for note in notes),
        )

    def seconds(self) -> float:
        """Of the whole run: what the step itself computes is part of it."""
        return self.seconds_run


def refuse_unreachable(model: str, error: RunError | None, calls: Sequence[CallNote]) -> None:
    """Raises OutsideFailure where no model could be reached: that is no answer of this side's.

    What was asked decides; where nothing was, what the step says of itself.
    """
    if calls:
        live = all(call.origin == LIVE and call.status >= SERVER_ERROR for call in calls)
        if live and not any(call.answered_by for call in calls):
            raise OutsideFailure(f"{model}: {calls[-1].error}")
    elif error is not None and error.kind == UNREACHABLE:
        raise OutsideFailure(f"{model}: {error.message}")


@dataclass(frozen=True)
class Bench:
    """All that the runs of one batch share."""

    ctx: Context
    number: int
    step: str
    adapter: StepAdapter
    primary: str
    sites: Mapping[Side, Site]
    judged: bool = False
    """Whether a judge compares the answers, so that a plan need not have gold."""
    gateway: ModelGateway | None = None
    """Where the step itself asks; None for a step in our own process, which asks by the meter."""
    plans: Path | None = None
    """The folder whose sub-folders are the plans; None: the lab's own."""
    fallbacks: tuple[str, ...] = ()
    """Aliases that are asked, call by call, where the run's own model cannot be had."""
    limit_seconds: float | None = None
    """Of one plan; None: what the step's config says of a process of its own."""

    def run(self, key: RunKey, planned: PlannedRun) -> RunRecord:
        """Make one run. A LabError, noted in the run folder, means that it is to be made again."""
        plan_dir = (self.plans or self.ctx.lab.plans(key.split)) / key.plan
        folder = (self.ctx.lab.root / planned.path).parent.parent
        started = utc_now()
        out = store.start(folder, key.plan, now=started)
        meter = self._meter(key.model)
        ask = within(self.limit_seconds, meter.ask) if self.limit_seconds else meter.ask
        seeded = meter.config.settings.seeded
        seed = seed_of(key.plan, planned.replicate) if seeded else None
        worktree = self.sites[key.side].worktree
        try:
            with self._line(key) as line:
                job = StepJob(worktree, plan_dir, out, ask, seed, line.urls, key.side)
                result = self.adapter.execute(replace(job, limit_seconds=self.limit_seconds))
            refuse_unreachable(key.model, result.error, line.calls)
        except LabError as error:
            store.fail(folder, key.plan, str(error), now=utc_now())
            raise
        if result.process is not None:
            seconds = result.process.seconds
            meter = Told(meter.llm, meter.config, notes=line.calls, seconds_run=seconds)
        if line.texts:
            store.keep_calls(out, line.texts)
        scored = not self.judged or has_gold(plan_dir, self.adapter.outputs)
        scores = self.adapter.score(plan_dir, out) if scored and result.error is None else {}
        record = self._record(key, planned, result, meter=meter).model_copy(
            update={
                "started": started,
                "scores": scores,
                "primary": scores.get(self.primary, 0.0),
                "calls": line.calls,
            }
        )
        store.finish(self.ctx.lab, out, record)
        return record

    def _line(self, key: RunKey) -> AbstractContextManager[Line]:
        if self.gateway is None:
            return nullcontext(Line(()))
        return self.gateway.line(key, self.fallbacks)

    def _meter(self, model: str) -> Meter:
        """With the models that are to be asked in its place, if there are any."""
        others = {name: self.ctx.models[name] for name in self.fallbacks}
        together = self.ctx.llm_of((model, *self.fallbacks))
        return Meter(together, self.ctx.models[model], fallbacks=others)

    def _record(
        self, key: RunKey, planned: PlannedRun, result: StepResult, *, meter: Meter
    ) -> RunRecord:
        site = self.sites[key.side]
        return RunRecord(
            **key._asdict(),
            iteration=self.number,
            step=self.step,
            status=Status.ERROR if result.error else Status.OK,
            error=result.error,
            scores={},
            primary=0.0,
            valid=result.error is None,
            usage=meter.usage(),
            sent=Sent(
                wanted_commit=site.commit,
                head=site.head,
                tree_clean=site.tree_clean,
                files=dict(result.files),
                prompt_sha256=result.prompt_sha256,
                request_sha256=result.request_sha256,
            ),
            content_key=planned.content_key,
            answered_by=meter.answered_by(),
            started="",
            ended=utc_now(),
            duration_seconds=meter.seconds(),
            concurrency=meter.config.workers,
            process=_process(result),
        )


def _process(result: StepResult) -> ProcessRecord | None:
    facts = result.process
    return ProcessRecord.model_validate(asdict(facts)) if facts else None
