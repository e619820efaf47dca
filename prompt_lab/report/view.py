"""What a page shows, gathered from the lab's records. Pages read nothing else."""

from pydantic import Field

from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.synthesis_model import Participant
from prompt_lab.decide.verdict import Verdict
from prompt_lab.names import Outcome
from prompt_lab.records import Change, PlanText, PromptVersion, Pull, Record, RunRow
from prompt_lab.store.agents import AgentRecord


class Setup(Record):
    """What the iteration ran on."""

    target: str
    main_commit: str = Field(description="commit of the target's main branch at the start")
    policy: str = Field(description="name of the policy that judged")
    models: tuple[str, ...]
    train_plans: tuple[str, ...] = ()
    verify_plans: tuple[str, ...] = ()
    replicates: int = 1
    judge: str = Field(
        default="", description="model that compares the answers; '' where their scores decide"
    )
    prompt_rule: str = Field(
        default="", description="how the prompt of runs in a process of their own was checked"
    )
    budget: str = Field(default="", description="the alpha that the ledger granted, in a sentence")


class JudgeReason(Record):
    """What a judge said about one pair, in both orders of the two answers."""

    model: str
    plan: str
    replicate: int
    baseline_first: str = ""
    candidate_first: str = ""


class Spent(Record):
    """What the iteration took, both sides and verify included."""

    calls_made: int = 0
    calls_reused: int = 0
    calls_rescored: int = Field(default=0, description="answers taken over and scored again")
    calls_replayed: int = Field(default=0, description="answered from a recording, beside those")
    duplicate_calls: int = Field(default=0, description="of calls_made: a run was made twice")
    cost_usd: float = Field(default=0.0, description="of the runs and of the agents")
    agents_usd: float = Field(default=0.0, description="of the agents alone")
    agents: int = Field(default=0, description="pieces of work of agents, refused ones included")
    seconds: float = Field(default=0.0, description="wall time of the runs")
    calls_spared: int = Field(default=0, description="planned runs that an early stop saved")
    sealed_at_most: int = Field(
        default=0,
        description="planned runs on sealed plans, which nothing else here counts: how many were"
        " made would say how clear the result was; 0 where they are not sealed, or none were run",
    )


class ReportView(Record):
    """One iteration. A part that does not exist (yet) is None or empty, and its section says so."""

    iteration: int
    step: str
    created: str = Field(description="UTC, ISO 8601")
    setup: Setup
    change: Change
    pull: Pull | None = None
    before: PromptVersion | None = None
    after: PromptVersion | None = None
    verdict: Verdict | None = Field(
        default=None, description="as it may be shown; None where nothing ran (CRASH)"
    )
    sealed: bool = Field(
        default=False, description="whether the figures of the plans that decided are not shown"
    )
    metrics: Metrics | None = Field(default=None, description="of the train plans")
    verify_metrics: Metrics | None = Field(
        default=None,
        description="of the verify plans, unless they are sealed; their texts are never shown",
    )
    rows: tuple[RunRow, ...] = Field(default=(), description="runs of the train plans, both sides")
    plans: dict[str, PlanText] = Field(default={}, description="train plans by name")
    messages: dict[str, str] = Field(
        default={}, description="sha256 -> text, of the messages that flipped runs sent"
    )
    judge_reasons: tuple[JudgeReason, ...] = Field(default=(), description="on the train plans")
    spent: Spent = Spent()
    after_merge: str = Field(default="", description="what re-tests of the merge show")
    worse_since: bool = Field(default=False, description="whether those show that it is worse")
    race: str = Field(default="", description="the candidates that were screened beside it")
    took_part: tuple[Participant, ...] = Field(default=(), description="analysts, by synthesis.md")
    works: tuple[AgentRecord, ...] = Field(default=(), description="of agents, oldest first")
    documents: dict[str, str] = Field(default={}, description="file name -> markdown, in order")
    files: tuple[str, ...] = Field(default=(), description="raw files beside the report, to link")
    page: str = Field(default="report.html", description="path or URL of the report, to open")
    lab: str = Field(default="../..", description="from the report's folder to the lab")
    versions: dict[str, str] = Field(default={}, description="name -> version of what ran this")


class PlanSet(Record):
    """How often one set of plans was used."""

    kind: str = Field(description="trial, verify or origin")
    name: str = Field(description="digest of the plans and their texts; '' where not recorded")
    uses: int
    last: int = Field(description="the last iteration that used it")
    split: str = Field(default="", description="train or verify")
    plans: int = Field(default=0, description="how many; 0 where not recorded")


class ErrorBudgetView(Record):
    """The error budget of one step."""

    step: str
    text: str = Field(description="what the next trial would get")
    spent: float = Field(description="alpha granted so far")
    trials: int
    merges: int
    earlier: str = Field(default="", description="trials that another rule decided, in a sentence")
    since: str = Field(default="", description="the last comparison with the first baseline")
    advice: str = Field(default="", description="how to have more confirmations, in a sentence")
    sets: tuple[PlanSet, ...] = ()


class FrontRow(Record):
    """A version of the prompt that no other version beats in everything."""

    iteration: int
    title: str
    branch: str
    outcome: Outcome | None = Field(default=None, description="None: it was the baseline only")
    quality: dict[str, float] = Field(description="model -> mean score")
    best: tuple[str, ...] = Field(default=(), description="models on which it is the best")
    plans: int
    cost_usd: float = Field(description="mean of a run")
    length: int = Field(description="characters of the prompt")


class ParetoFront(Record):
    """The Pareto front of one step."""

    step: str
    models: tuple[str, ...] = ()
    rows: tuple[FrontRow, ...] = ()
    beaten: int = Field(default=0, description="versions that others beat in everything")


class LoopRow(Record):
    """A loop over iterations, and why it stopped."""

    loop: int
    step: str
    iterations: tuple[int, ...]
    code: str = Field(default="", description="'' while it goes on")
    text: str = ""
    cost_usd: float = 0.0


class PromotionRow(Record):
    """One promotion, rollback, import or label, of the registry or of a git target."""

    sequence: int
    when: str = Field(description="UTC, ISO 8601")
    kind: str
    forced: bool = Field(default=False, description="without a verdict, by a person")
    prompts: tuple[str, ...] = Field(default=(), description="what was changed")
    before: str = Field(default="", description="snapshot or commit, shortened")
    after: str = ""
    actor: str
    reason: str
    verdicts: tuple[tuple[str, str], ...] = Field(
        default=(), description="(verdict id, report relative to the lab or '')"
    )
    is_current: bool = Field(default=False, description="whether its snapshot is the pointer's")


class OddFolder(Record):
    """An irregular folder of the lab."""

    path: str = Field(description="relative to the lab")
    faults: tuple[str, ...]


class LedgerEntry(Record):
    """One line of the lab's ledger. Old labs know little more than number, step and PR."""

    iteration: int
    step: str
    title: str = ""
    strategy: str = ""
    pull: int | None = None
    pull_url: str = ""
    outcome: Outcome | None = Field(default=None, description="None: open, or not recorded")
    said: str = Field(
        default="", description="another tool's word for it, where it is none of ours"
    )
    why: str = ""
    effect: float | None = None
    low: float | None = Field(default=None, description="lower end of the effect's interval")
    high: float | None = None
    baseline: float | None = Field(default=None, description="mean score of the baseline")
    candidate: float | None = Field(default=None, description="foreign: the share that ended")
    merged: bool = False
    given_up: bool = Field(default=False, description="ended by GiveUp; `why` is its reason")
    after_merge: str = Field(default="", description="what re-tests of the merge show")
    worse_since: bool = Field(default=False, description="whether those show that it is worse")
    reverted_in: int | None = Field(default=None, description="iteration that reverted it")
    reverted_pull: int | None = Field(default=None, description="pull request that reverted it")
    reverted_url: str = ""
    reverted_after: int | None = Field(default=None, description="newest iteration at that time")
    follow_up_of: int | None = Field(default=None, description="iteration that it answers")
    followed_in: int | None = Field(default=None, description="iteration that answers it")
    cost_usd: float | None = None
    without_sealed: bool = Field(
        default=False, description="whether the cost leaves out runs on sealed plans"
    )
    created: str = ""
    label: str = Field(default="", description="the label beside its numbers")
    report: str = Field(default="", description="the report, relative to the lab; '' for none")
    foreign: bool = Field(default=False, description="made by another tool")

    @property
    def reverted(self) -> str:
        """The pull request or iteration that reverted it: '#4' or '9'; '' if none did."""
        if self.reverted_pull is not None:
            return f"#{self.reverted_pull}"
        return "" if self.reverted_in is None else str(self.reverted_in)

    ended: tuple[int, int] | None = Field(
        default=None,
        description="foreign: runs that ended without an error, of how many",
    )
