"""What the lab writes to disk and passes between rooms, as typed records.

Times are seconds or UTC time stamps in ISO 8601; money is US dollars; scores are in [0, 1].
"""

from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.files_read import FilesRead
from prompt_lab.names import PullState, Side, Split, Status

VERSION = 1
_TRACE = "Traceback (most recent call last):"
RECORDED: Final = "replay of recorded answers"
"""The label of all that is made from answers keyed by run and call, whatever the request."""


class Record(BaseModel):
    """A record on disk: frozen, and tolerant of keys that a later version added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RunKey(NamedTuple):
    """One run of a batch: a model on a plan, for one side, once."""

    split: Split
    side: Side
    model: str
    plan: str
    replicate: int


class Usage(Record):
    """What the calls of one run consumed, failed and repeated calls included."""

    calls: int = 0
    calls_succeeded: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    seconds_waited: float = Field(default=0.0, description="time queued before the model was free")


LIVE = "live"
"""The origin of a call that a model answered, and no recording."""


WITHHELD = frozenset({"refusal", "content_filter", "input_truncated"})
"""Ends of an answer that is none, whatever its text looks like."""


class CallNote(Record):
    """One call of a step in a process of its own, as the gateway saw it."""

    number: int = Field(description="from 0, in the order in which the calls began")
    answered_by: str = Field(default="", description="alias of the model; '' where none answered")
    model_id: str = Field(default="", description="the model's own name for itself")
    origin: str = Field(default=LIVE, description="live, or what it is a replay of")
    status: int = Field(default=0, description="HTTP status that the step was given")
    seconds: float = 0.0
    seconds_elsewhere: float = Field(
        default=0.0, description="part of the seconds spent on models that did not answer"
    )
    waited: float = Field(default=0.0, description="part of the seconds before a place was free")
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    counted: bool = Field(default=True, description="False: the answer named no tokens")
    cost_usd: float = 0.0
    error: str = Field(default="", description="why there was no answer, redacted")
    withheld: str = Field(
        default="",
        description="refusal, content_filter or input_truncated, unless answered later",
    )


class RunError(Record):
    """A bad answer: kind is a short stable code ('invalid_json', 'truncated', 'missing_field')."""

    kind: str
    message: str

    @property
    def summary(self) -> str:
        """Kind and message for one line of a terminal or a page."""
        return f"{self.kind}: {' '.join(ending(self.message).split())}"


def ending(text: str, most: int = 300) -> str:
    """The last lines of a text, at most so many characters: what went wrong ends a traceback.

    >>> ending("Traceback:\\n  in core.py\\nValueError: two options, not three", 40)
    'ValueError: two options, not three'
    >>> ending("one line that is too long", 12)
    'one line th…'
    """
    kept: list[str] = []
    lines = text.replace(_TRACE, "").splitlines()
    for line in reversed([line for line in lines if line.strip()]):
        if kept and len(line) + sum(len(one) + 1 for one in kept) > most:
            break
        kept.append(line if len(line) <= most else line[: most - 1] + "…")
    return "\n".join(reversed(kept)).strip()


class PromptCheck(Record):
    """How a step in a process of its own was seen to send its commit's prompt."""

    rule: Literal["requests", "returned", "files"] = Field(
        description="what was looked at: recorded requests, what the step returned, loaded files"
    )
    requests: int = Field(default=0, description="requests of the run that the gateway recorded")
    own: int = Field(default=0, description="of these, with the prompt of the run's own commit")
    other: int = Field(default=0, description="of these, with the prompt of the other side")

    @property
    def holds(self) -> bool:
        """Whether recorded requests have this side's prompt, and none the other side's."""
        return self.own > 0 and self.other == 0


class SentEvidence(Record):
    """What the run really used: the evidence that is checked after the runs."""

    wanted_commit: str
    head: str = Field(description="HEAD of the worktree when the run began")
    tree_clean: bool
    files: dict[str, str] = Field(description="path in the target -> git blob id of the bytes read")
    prompt_sha256: str = Field(description="of the prompt as it was sent, placeholders unfilled")
    request_sha256: str = Field(default="", description="of the whole request: messages, schema")
    messages: tuple[str, ...] = Field(
        default=(),
        description="sha256 of system and user message of each request of a step in our process, "
        "in order; the texts are in messages.jsonl of the run folder",
    )
    prompt_check: PromptCheck | None = Field(
        default=None, description="of a step in a process of its own; None: it ran in ours"
    )


class ProcessRecord(Record):
    """What is known of a step that ran in a process of its own; see ports.ProcessFacts."""

    elsewhere: dict[str, str] = Field(
        default={},
        description="module of the target's packages -> file outside the worktree that it came "
        "from; '' where the package was never loaded",
    )
    environment: tuple[str, ...] = Field(default=(), description="names of variables passed")
    python: str = ""
    installed_sha256: str = Field(default="", description="of the names and versions installed")
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    printed: int = Field(default=0, description="bytes")
    killed: int = Field(default=0, description="processes that were left running, or ended")
    unbound: tuple[str, ...] = Field(default=(), description="limits that were not enforced")
    said: dict[str, Any] = Field(default={}, description="what the step says of itself")


class RunRecord(Record):
    """run.json: written last, so its presence means that the run is finished."""

    version: int = VERSION
    iteration: int
    step: str
    split: Split
    side: Side
    model: str
    plan: str
    replicate: int
    status: Status
    error: RunError | None = None
    scores: dict[str, float] = Field(description="part -> [0, 1]; an error scores 0 on the primary")
    primary: float
    valid: bool = Field(description="the answer satisfied the step's own output contract")
    usage: Usage
    sent: SentEvidence
    content_key: str = Field(description="what reuse goes by: equal keys may share a run")
    answer_key: str = Field(default="", description="equal keys may share an answer, not a score")
    files_read: FilesRead = FilesRead()
    rescored_from: str = Field(
        default="", description="path of the run whose answer is scored again"
    )
    answered_by: str = Field(description="the model id that answered, of alias and fallbacks")
    started: str
    ended: str
    duration_seconds: float = Field(description="the model call(s) alone, not the queue")
    concurrency: int = 1
    process: ProcessRecord | None = Field(
        default=None, description="of a step in a process of its own; None: it ran in ours"
    )
    calls: tuple[CallNote, ...] = Field(
        default=(), description="of a step in a process of its own, each as the gateway saw it"
    )

    @property
    def key(self) -> RunKey:
        """The run that this is a record of."""
        return RunKey(self.split, self.side, self.model, self.plan, self.replicate)

    @property
    def is_recorded(self) -> bool:
        """Whether answers were given by who asked, not by what was asked: no evidence for it."""
        return any(call.origin == RECORDED for call in self.calls)


class RunRow(Record):
    """One run of a batch beside its texts, as analysts read it."""

    record: RunRecord
    path: str = Field(description="run folder of the plan, relative to the lab: evidence to cite")
    outputs: dict[str, str] = Field(description="output file name -> text")
    reused: bool = False


class PlanText(Record):
    """One plan's texts: inputs, and gold outputs where it has them."""

    name: str
    inputs: dict[str, str]
    gold: dict[str, str] = {}


class PromptVersion(Record):
    """The prompt and schema of one side."""

    commit: str
    path: str
    text: str
    schema_path: str = ""
    schema_text: str = ""


class Change(Record):
    """change.json: the candidate, and where it came from."""

    version: int = VERSION
    branch: str
    commit: str
    base_commit: str
    start_commit: str = Field(
        default="", description="whose text it was made from, where that is not the base's"
    )
    follow_up_of: int | None = Field(default=None, description="whose condition it is to meet")
    strategy: str = Field(description="who wrote it: a strategy's name, or 'given'")
    source: str = Field(description="where the idea came from: a synthesis' path, or 'baseline'")
    direction: str = Field(default="", description="the direction that it carries out, in a line")
    rank_score: float | None = Field(default=None, description="the direction's when it was chosen")
    title: str
    description: str
    shown: tuple[str, ...] = Field(
        default=(), description="train plans whose answers stand in the new prompt: never judged on"
    )
    pull: int | None = None
    pull_url: str = ""


class Pull(Record):
    """A pull request as the code host has it."""

    number: int
    url: str
    title: str
    body: str
    branch: str
    head: str = Field(description="commit of the branch now")
    base: str = Field(description="name of the branch that it goes into")
    state: PullState
    labels: tuple[str, ...] = ()
    merged_commit: str = ""


class Direction(Record):
    """One way forward, as a synthesis ranks it."""

    title: str
    strategy: str | None = Field(description="the built-in strategy that can carry it out")
    why: str
    evidence: tuple[str, ...] = Field(description="numbers, each with a run path")
    expected: str = Field(description="what should change, and by how much, in words and numbers")
    rank_score: float = 0.0
