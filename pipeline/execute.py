"""Make one run: call the step adapter, score what came out, write it down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.base import utc_now
from pipeline.context import Context
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError
from prompt_lab.evaluate.batches import seed_of
from prompt_lab.names import Side, Status
from prompt_lab.ports import Answer, Llm, Request, StepAdapter, StepJob, StepResult
from prompt_lab.records import RunKey, RunRecord, Sent, Usage
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

    def ask(self, request: Request) -> Answer:
        """Pass a request on and note what it took."""
        self.calls += 1
        answer = self.llm.ask(request)
        self.answers.append(answer)
        return answer

    def answered_by(self) -> str:
        """The model ids that answered; the configured one where the server does not say."""
        answered = {a.answered_by for a in self.answers if a.answered_by}
        return ", ".join(sorted(answered)) or self.config.id

    def usage(self) -> Usage:
        """The sums."""
        given, got = (
            sum(a.input_tokens for a in self.answers),
            sum(a.output_tokens for a in self.answers),
        )
        return Usage(
            calls=self.calls,
            calls_succeeded=len(self.answers),
            retries=sum(a.retries for a in self.answers),
            input_tokens=given,
            output_tokens=got,
            cost_usd=self.config.cost(given, got),
            seconds_waited=sum(a.waited for a in self.answers),
        )


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

    def run(self, key: RunKey, planned: PlannedRun) -> RunRecord:
        """Make one run. A LabError, noted in the run folder, means that it is to be made again."""
        plan_dir = self.ctx.lab.plans(key.split) / key.plan
        folder = (self.ctx.lab.root / planned.path).parent.parent
        started = utc_now()
        out = store.start(folder, key.plan, now=started)
        meter = Meter(self.ctx.llm(key.model), self.ctx.models[key.model])
        seeded = meter.config.settings.seeded
        seed = seed_of(key.plan, planned.replicate) if seeded else None
        worktree = self.sites[key.side].worktree
        try:
            result = self.adapter.execute(StepJob(worktree, plan_dir, out, meter.ask, seed))
        except LabError as error:
            store.fail(folder, key.plan, str(error), now=utc_now())
            raise
        scored = not self.judged or has_gold(plan_dir, self.adapter.outputs)
        scores = self.adapter.score(plan_dir, out) if scored and result.error is None else {}
        record = self._record(key, planned, result, meter=meter).model_copy(
            update={
                "started": started,
                "scores": scores,
                "primary": scores.get(self.primary, 0.0),
            }
        )
        store.finish(self.ctx.lab, out, record)
        return record

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
            duration_seconds=sum(a.seconds for a in meter.answers),
            concurrency=meter.config.workers,
        )
