"""The records of an iteration: what it was asked to do, and what each phase has written."""

from fnmatch import fnmatchcase
from pathlib import Path

from prompt_lab.config.lab import JudgeConfig
from prompt_lab.decide.ledger import Grant
from prompt_lab.decide.policy import Policy
from prompt_lab.decide.reasons import Reason
from prompt_lab.decide.result import Screening
from prompt_lab.names import Side, Split
from prompt_lab.records import VERSION, Change, Record
from prompt_lab.store.files import read_if_whole, read_record
from prompt_lab.store.layout import Lab


class IterationMeta(Record):
    """meta.json: what an iteration was asked to do, fixed before anything is called."""

    version: int = VERSION
    compares_checked_out: bool = False
    """Whether runs are compared with files as git checks them out; before, as it stores them."""
    iteration: int
    step: str
    created: str
    models: tuple[str, ...]
    asked_models: tuple[str, ...] = ()
    """What the command named, where routing may have taken others; () in older folders."""
    plans: dict[Split, tuple[str, ...]]
    replicates: int
    confirm_replicates: int = 0
    """Runs of a sealed plan, model and side that --replicates asked for; 0: as the policy says."""
    policy: str
    target: str
    main: str
    main_commit: str
    start: str = ""
    """What --from named: where the candidate's text begins; the comparison stays with main."""
    start_commit: str = ""
    """The commit that this was; '' for main itself."""
    follow_up_of: int | None = None
    """The CONDITIONAL iteration whose pull request this one tests again."""
    given: str = ""
    """The branch or '#<pull>' that the command line named; '' where a strategy makes the change."""
    race: int = 1
    """How many strategies were to be screened on one baseline."""
    rivals: tuple[str, ...] = ()
    """Further branches that the command line named, to be screened beside `given`."""
    analysts: tuple[str, ...] = ("metrics",)
    agent: str = ""
    """Who makes the change; '' where a built-in strategy does."""
    last_synthesis: str = ""
    """Path of the synthesis that this iteration starts from, relative to the lab."""
    judged_by: Policy | None = None
    """The policy's values when the iteration was prepared; None in folders from before 0.2."""
    judge: JudgeConfig | None = None
    """The step's judge when the iteration was prepared, with its alias; None: scores decide."""
    judge_prompt: str = ""
    """The template of the judge's request at that time."""
    granted: Grant | None = None
    """What the ledger granted this trial, and what was left."""
    registry_prompt: str = ""
    """The registry's id of the step's prompt; '' where the prompt is the target's own."""
    snapshot: str = ""
    """The registry's snapshot that the baseline is; '' where the prompt is the target's own."""
    awaits_approval: bool = False
    """Whether a YES waits for a person, who promotes the text by the verdict's id."""
    plan_sets: dict[Split, str] = {}
    """A digest of the plans of each split, with their texts."""
    history: tuple[str, ...] = ()
    """Filled in by readers of other labs; ours cites run folders in batch_<split>.json."""


class RunsSummary(Record):
    """runs_<split>.json: what the runs of one split came to, and the checks made after them."""

    version: int = VERSION
    split: Split
    calls_made: int
    runs_made: int
    runs_reused: int
    errors: int
    seconds: float
    cost_usd: float
    observed: dict[Side, tuple[str, bool]] = {}
    """side -> (HEAD, tree is clean) of its worktree after the last run."""
    dirt: dict[Side, tuple[str, ...]] = {}
    """side -> paths in its worktree that are not the commit's, after the last run."""
    plans_changed: tuple[str, ...] = ()
    """Plans that are no longer what they were when the runs were planned, and files outside of them
    that were not the same for all runs."""
    refs_moved: tuple[str, ...] = ()
    """Refs of the user's repository that others changed while target code ran."""
    read_outside: tuple[str, ...] = ()
    """Files that decide runs and lie outside the plan folders, the worktree and the interpreter."""
    runs_rescored: int = 0
    """Runs beside runs_reused whose answer was taken over and scored again."""
    drifted: dict[str, str] = {}
    """model -> the numbers that show that its reused baseline has drifted."""
    skipped: str = ""
    """Why nothing was run."""
    plans: tuple[str, ...] = ()
    """The plans that the trial asked for before it had its verdict; () where all were run."""
    look: int = 1
    looks: int = 1
    """Of how many planned looks the one that decided was which."""
    rule_version: int = 1
    """The version of the decision rule that the trial took its looks by."""
    runs_spared: int = 0
    """Planned runs that the trial did without."""
    calls_replayed: int = 0
    """Of calls_made, those that a recording answered."""
    judge_calls: int = 0
    """Of calls_made, those that the judge took; of cost_usd, judge_cost_usd is its share."""
    judge_cost_usd: float = 0.0
    duplicate_calls: int = 0
    """Of calls_made, those for runs that another process had finished; cost_usd has them too."""
    leaked: tuple[Reason, ...] = ()
    """The findings that the guard refuses the candidate, or that it sends text of verify plans."""

    @classmethod
    def nothing(cls, split: Split, why: str, leaked: tuple[Reason, ...] = ()) -> "RunsSummary":
        """The summary of a split of which nothing was run."""
        return cls(
            split=split,
            calls_made=0,
            runs_made=0,
            runs_reused=0,
            errors=0,
            seconds=0.0,
            cost_usd=0.0,
            skipped=why,
            leaked=leaked,
        )


class RaceEntry(Record):
    """One candidate of a race, and what the train plans show of it."""

    branch: str
    pull: int | None
    strategy: str
    title: str
    screening: Screening | None = None
    """None where it was not run, since it is `leaked`."""
    leaked: tuple[Reason, ...] = ()
    """The finding that it sends text of verify plans, if so: it cannot go on."""


class RaceRecord(Record):
    """race.json: the candidates that were screened on one baseline, and the branch that goes on."""

    version: int = VERSION
    entries: tuple[RaceEntry, ...]
    best: str


PREPARED = "prepared.json"
RACE = "race.json"


class Reverted(Record):
    """reverted.json: how a merged change was taken back."""

    version: int = VERSION
    iteration: int
    reason: str
    branch: str
    commit: str
    pull: int | None = None
    """None until it is open."""
    pull_url: str = ""
    merged_commit: str = ""
    """'' while its pull request waits."""
    after: int
    """The newest iteration of the lab when it was taken back."""
    when: str


REVERTED = "reverted.json"


class Conclusion(Record):
    """conclusion.json: what was done with the pull request."""

    version: int = VERSION
    outcome: str
    pull: int | None
    action: str
    merged_commit: str = ""
    snapshot: str = ""
    """The registry's snapshot that the promotion made; '' where the prompt is the target's own."""
    when: str


VERDICT = "verdict.json"
SUMMARY = "summary.txt"
"""The last file of an iteration: once it is there the iteration is finished."""
FACTS = "verdict_facts.json"
"""What the verdict takes from outside the lab, for a replay."""
VERDICT_ERROR = "verdict_error.txt"
"""The trace of an error of our own inside a verdict."""
_MADE_IN_ORDER = (
    *("batch_race_*.json", "runs_race_*.json", "race.json"),
    *("change.json", "batch_train.json", "judged_train_*.json", "runs_train.json"),
    *("insight_*.md", "code_*.md", "synthesis.md", "assessment.md"),
    *("batch_verify.json", "judged_verify_*.json", "runs_verify.json"),
    *("sealed_verdict.json", "verdict.json"),
    *("conclusion.json", "report.html"),
)
_OURS = ("change.json", "scout.json", "conclusion.json", "batch_*.json", "runs_*.json")
_MOVE_AWAY = (
    "Restore it, or move its folder out of the lab: the next iteration then takes its place, and "
    "finished runs are used again"
)


def read_meta(lab: Lab, number: int, step: str) -> IterationMeta:
    """Raises StoreError where the iteration was not prepared."""
    path = lab.iteration(number, step) / "meta.json"
    return read_record(path, IterationMeta, fix=_MOVE_AWAY)


def read_change(lab: Lab, number: int, step: str) -> Change:
    """Raises StoreError where there is none yet."""
    path = lab.iteration(number, step) / "change.json"
    return read_record(path, Change, fix=made_again(path))


def made_again(path: Path) -> str:
    """How a phase's file is made again: luigi asks no further down than the last file there is."""
    at = next((i for i, made in enumerate(_MADE_IN_ORDER) if fnmatchcase(path.name, made)), None)
    if at is None:
        return "Restore it, or remove it"
    later = _MADE_IN_ORDER[at:]
    found = [p.name for pattern in later for p in path.parent.glob(pattern)]
    names = ", ".join(dict.fromkeys(found))
    if not names:
        number = path.parent.name.partition("_")[0]
        return f"luigi --module pipeline Iteration --number {number} makes it"
    return f"Restore it, or have it made again: remove {names} from its folder"


def is_open(folder: Path) -> bool:
    """Ours and not finished. Folders of another tool, and empty claims, count as finished."""
    return not (folder / SUMMARY).exists() and is_ours(folder)


def is_ours(folder: Path) -> bool:
    """Prepared by us, also where meta.json is damaged since: it left what no other tool leaves."""
    if read_if_whole(folder / "meta.json", IterationMeta) is not None:
        return True
    return any(next(folder.glob(pattern), None) for pattern in _OURS)
