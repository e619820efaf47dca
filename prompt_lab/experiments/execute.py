"""Make one run: call the step adapter, score its outputs, record it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError, ScoreFailed, TransientError
from prompt_lab.evaluate.answers import WITHHELD_WORDS
from prompt_lab.evaluate.batches import seed_of
from prompt_lab.evaluate.checks import add_measured
from prompt_lab.evaluate.sent_prompt import SentPrompt, SideTexts, check_sent_prompt
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.deadline import within
from prompt_lab.experiments.meter import GatewayMeter, Meter
from prompt_lab.experiments.trace import PlanTrace
from prompt_lab.names import Side, Status
from prompt_lab.own_process import GatewaySession, ModelGateway
from prompt_lab.ports import Answer, Request, StepAdapter, StepJob
from prompt_lab.records import (
    LIVE,
    CallNote,
    ProcessRecord,
    RunError,
    RunKey,
    RunRecord,
    SentEvidence,
)
from prompt_lab.step_results import ScoreResult, StepResult
from prompt_lab.store import runs as store
from prompt_lab.store.batch import PlannedRun
from prompt_lab.store.plans import has_gold
from prompt_lab.store.sent_messages import keep_messages


@dataclass(frozen=True)
class Checkout:
    """The worktree of one side, with its state at the beginning of the batch."""

    commit: str
    worktree: Path
    head: str
    tree_clean: bool


UNREACHABLE = "unreachable"
"""The kind of a step's error which means that no model could be reached."""
SERVER_ERROR = 500


def refuse_unreachable(model: str, error: RunError | None, calls: Sequence[CallNote]) -> None:
    """Raises TransientError if no model could be reached, which is no answer of this side.

    The recorded calls decide; without any, the step's own error does. A call that the step itself
    gave up does not count against its model: crash.py looks at such runs together.
    """
    if calls:
        live = not any(call.answered_by or call.origin != LIVE for call in calls)
        failed = [call for call in calls if call.status >= SERVER_ERROR]
        if live and failed:
            raise TransientError(f"{model}: {failed[-1].error}")
    elif error is not None and error.kind == UNREACHABLE:
        raise TransientError(f"{model}: {error.message}")


def refuse_withheld(result: StepResult, calls: Sequence[CallNote]) -> StepResult:
    """The result of a step that made its output of an answer that the model withheld: an error.

    The step may have taken it for one, since a refusal can be JSON that fits the schema.
    """
    withheld = [call for call in calls if call.withheld]
    if result.error is not None or not withheld:
        return result
    last = withheld[-1]
    text = f"call {last.number} of the step, which went on with it: {WITHHELD_WORDS[last.withheld]}"
    return replace(result, error=RunError(kind=last.withheld, message=text))


@dataclass(frozen=True)
class RunContext:
    """What the runs of one batch share."""

    ctx: LabContext
    number: int
    step: str
    adapter: StepAdapter
    primary: str
    sites: Mapping[Side, Checkout]
    judged: bool = False
    """Whether a judge compares the answers, so that a plan need not have gold."""
    prompts: Mapping[Side, str] = field(default_factory=dict)
    """The prompt of each side's commit, for a step in its own process; none where unknown."""
    gateway: ModelGateway | None = None
    """The gateway of a step in its own process; None for one in ours, which calls the meter."""
    plans: Path | None = None
    """The folder whose sub-folders are the plans; None: the lab's own."""
    fallbacks: tuple[str, ...] = ()
    """Aliases of fallback models, tried per call if the run's own model is unavailable."""
    phase: str = ""
    """The suite phase that the gateway routes calls by; '': a run keeps its model."""
    limit_seconds: float | None = None
    """Of one plan; None: what the step's config says of a process of its own."""
    usage_files: bool = True
    """Whether each plan's folder gets the usage files of the original tool."""

    def run(self, key: RunKey, planned: PlannedRun) -> RunRecord:
        """Make one run.

        After a LabError, which is noted in the run folder, it has to be made again. A reused answer
        is only scored again, without a call.
        """
        plan_dir = (self.plans or self.ctx.lab.plans(key.split)) / key.plan
        folder = (self.ctx.lab.root / planned.path).parent.parent
        if not planned.rescored_from:
            with suppress(LabError):  # the run itself raises it, and notes it in its folder
                self.adapter.load(self.sites[key.side].worktree, key.side)
        started = utc_now()
        out = store.start(folder, key.plan, now=started)
        if planned.rescored_from:
            return self._rescore(key, planned, out, started)
        meter = self._meter(key.model)
        ask = within(self.limit_seconds, meter.ask) if self.limit_seconds else meter.ask
        seeded = meter.config.settings.seeded
        seed = seed_of(key.plan, planned.replicate) if seeded else None
        worktree = self.sites[key.side].worktree
        requests: list[Request] = []

        def ask_and_note(request: Request) -> Answer:
            requests.append(request)
            return ask(request)

        trace = PlanTrace(self.adapter, plan_dir, planned)
        try:
            trace.begin()
            with self._line(key) as line:
                job = StepJob(worktree, plan_dir, out, ask_and_note, seed, line.urls, key.side)
                result = self.adapter.execute(replace(job, limit_seconds=self.limit_seconds))
            refuse_unreachable(key.model, result.error, line.calls)
            result = refuse_withheld(result, line.calls)
            result, score = self._scored(plan_dir, out, result)
            files_read = trace.end(result, score)
        except LabError as error:
            store.fail(folder, key.plan, str(error), now=utc_now())
            raise
        if result.process is not None:
            seconds = result.process.seconds
            meter = GatewayMeter(meter.llm, meter.config, notes=line.calls, seconds_run=seconds)
        if result.process is not None and self.ctx.call_budget is not None:
            usage = meter.usage()
            self.ctx.call_budget.add(usage.calls, usage.cost_usd)
        if line.texts:
            store.keep_calls(out, line.texts)
        sent = self._check_prompt(key.side, result, line.requests)
        record = self._record(key, planned, result, meter=meter, sent=sent)
        texts = [text for request in requests for text in (request.system, request.user)]
        kept = keep_messages(folder, texts)
        parts = self._add_measured(score, record.duration_seconds, record.usage.cost_usd)
        record = record.model_copy(
            update={
                "sent": record.sent.model_copy(update={"messages": kept}),
                "started": started,
                "scores": parts,
                "primary": parts.get(self.primary, 0.0),
                "calls": line.calls,
                "files_read": files_read,
            }
        )
        store.finish(self.ctx.lab, out, record, usage_files=self.usage_files)
        return record

    def _rescore(self, key: RunKey, planned: PlannedRun, out: Path, started: str) -> RunRecord:
        """Score an answer that an earlier run has paid for; usage and evidence are that run's."""
        plan_dir = self.ctx.lab.plans(key.split) / key.plan
        trace = PlanTrace(self.adapter, plan_dir, planned)
        try:
            trace.begin()
            source = store.read_source(self.ctx.lab, planned.rescored_from)
            store.copy_answer(self.ctx.lab.root / planned.rescored_from, out)
            failed = (
                source.error if source.error and source.error.kind != ScoreFailed.kind else None
            )
            result = StepResult({}, "", "", failed)
            result, score = self._scored(plan_dir, out, result)
            files_read = trace.end_rescored(source, score)
        except LabError as error:
            store.fail(out.parent.parent, key.plan, str(error), now=utc_now())
            raise
        parts = self._add_measured(score, source.duration_seconds, source.usage.cost_usd)
        record = source.model_copy(
            update={
                **key._asdict(),
                "iteration": self.number,
                "status": Status.ERROR if result.error else Status.OK,
                "error": result.error,
                "valid": result.error is None,
                "scores": parts,
                "primary": parts.get(self.primary, 0.0),
                "content_key": planned.content_key,
                "answer_key": planned.answer_key,
                "files_read": files_read,
                "rescored_from": source.rescored_from or planned.rescored_from,
                "started": started,
                "ended": utc_now(),
            }
        )
        store.finish(self.ctx.lab, out, record, usage_files=self.usage_files)
        return record

    def _scored(
        self, plan_dir: Path, out: Path, result: StepResult
    ) -> tuple[StepResult, ScoreResult]:
        """The parts of the score. An answer that cannot be scored is an error of the run."""
        if result.error or (self.judged and not has_gold(plan_dir, self.adapter.outputs)):
            return result, ScoreResult({}, {})
        try:
            return result, self.adapter.score_traced(plan_dir, out)
        except ScoreFailed as fault:
            error = RunError(kind=fault.kind, message=str(fault))
            return replace(result, error=error), ScoreResult({}, dict(fault.outside))

    def _add_measured(self, score: ScoreResult, seconds: float, usd: float) -> dict[str, float]:
        """The parts, with those of the step's checks of latency (seconds) and cost (dollars)."""
        checks = self.ctx.step(self.step).checks
        return add_measured(checks, score.parts, seconds=seconds, usd=usd)

    def _line(self, key: RunKey) -> AbstractContextManager[GatewaySession]:
        if self.gateway is None:
            return nullcontext(GatewaySession(()))
        return self.gateway.line(key, self.fallbacks, phase=self.phase)

    def _meter(self, model: str) -> Meter:
        """The model with its fallback models, if any."""
        others = {name: self.ctx.models[name] for name in self.fallbacks}
        together = self.ctx.llm_of((model, *self.fallbacks))
        return Meter(together, self.ctx.models[model], fallbacks=others)

    def _check_prompt(
        self, side: Side, result: StepResult, requests: Sequence[str]
    ) -> SentPrompt | None:
        """None for a step in our own process, which sends what it says, or an unknown prompt."""
        if result.process is None or not self.prompts.get(side):
            return None
        others = [text for one, text in self.prompts.items() if one is not side]
        texts = SideTexts(self.prompts[side], "".join(others[:1]))
        return check_sent_prompt(texts, requests, result.prompt, result.prompt_sha256)

    def _record(
        self,
        key: RunKey,
        planned: PlannedRun,
        result: StepResult,
        *,
        meter: Meter,
        sent: SentPrompt | None,
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
            sent=SentEvidence(
                wanted_commit=site.commit,
                head=site.head,
                tree_clean=site.tree_clean,
                files=dict(result.files),
                prompt_sha256=sent.sha256 if sent else result.prompt_sha256,
                prompt_check=sent.check if sent else None,
                request_sha256=result.request_sha256,
            ),
            content_key=planned.content_key,
            answer_key=planned.answer_key,
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
