"""Everything that Prompt Lab raises on purpose.

LabError
├── ConfigError       a config file or a flag is wrong; lists every fault with its place
├── UsageError        a command lacks options that it needs; one line
├── UnknownName       a model, step, plan or target that is not there; says what is
├── TargetError       the target repository cannot be used as it is
│   └── NoSuchCommit      it has no branch, tag or commit of that name
├── ScoreFailed       a step's own score() gives none for this run: the run is an error
├── StoreError        the lab folder cannot be read or written
├── OutputLost        standard output does not take what a command prints
├── LabBusy           another process is at work on the same lab
├── BudgetReached     a command has made the calls, or spent the money, that it may
├── ModelUnavailable  a model that cannot be used at all: its key is missing, it was removed
├── CallRefused       the model refused this one request (over-length, say): the run is an error
│   ├── InputTruncated  the request is longer than the context: the same
│   └── TimeUp        the plan has used up its time: the same
├── TransientError    a call failed for a reason outside the experiment; trying again may help
├── SandboxUnavailable  code of others is not run, since this machine cannot build a sandbox
├── AgentRefused      an agent's work is not taken; carries the reason codes
├── RegistryError     a remote prompt registry refused a call, or did not answer it
│   ├── PromptMissing     it has no such prompt, version or label
│   ├── RegistryConflict  what was to be made is there already
│   ├── RegistryBusy      it has not taken the call and may later: a rate limit, no connection
│   ├── OutcomeUnknown    a write was sent, and whether it was taken is not known
│   └── RemoteChanged     a person changed there what this call would overwrite
├── ChatError         a chat refused a message, or did not answer
│   ├── ChatBusy          it has not taken the message and may later: a quota, no connection
│   └── ChatOutcomeUnknown  a message was sent, and whether it was taken is not known
└── CodeHostError     a pull request cannot be opened, read, merged or closed
    ├── HeadMoved         its branch no longer stands at the commit that was tested
    ├── PullEnded         another user has merged or closed it
    └── MergeRefused      a rule of the host forbids the merge: a review or a check is missing
        └── MergeConflict     its branch conflicts with the one that it goes into
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches


class LabError(Exception):
    """The root. Its text is meant for the person at the keyboard: what is wrong, where, the fix."""


class ConfigError(LabError):
    """One or more faults in configuration, reported together."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"{count} in the configuration:\n" + "\n".join(f"  {f}" for f in faults))


class UsageError(LabError):
    """A command line that leaves open what is to be done."""


class UnknownName(LabError):
    """A name that nothing answers to."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str) -> None:
        names = sorted(known)
        close = get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        super().__init__(
            f"Unknown {kind} {name!r}.{hint} Known from {where}: {shown or 'nothing'}."
        )


class TargetError(LabError):
    """The target repository is missing, dirty, or has no such commit."""


class ScoreFailed(LabError):
    """What a step's own score() raised, or gave that is no score. An error as data."""

    kind = "score_failed"
    outside: Mapping[str, str] = {}
    """Files outside that score() read, as in ScoreResult."""


class NoSuchCommit(TargetError):
    """No branch, tag or commit answers to a name; git itself was well."""


class StoreError(LabError):
    """A file of the lab cannot be read or written."""


class OutputLost(LabError):
    """What a command prints cannot be written to standard output."""


class LabBusy(LabError):
    """Another process holds the lab."""


class BudgetReached(LabError):
    """One more call would exceed the limit of this command; nothing was called."""


class ModelUnavailable(LabError):
    """A model that no call can reach as things stand."""


class CallRefused(LabError):
    """The model refused this one request; asking again would not help. An error as data."""

    kind = "refused"


class InputTruncated(CallRefused):
    """The request is longer than the context: its server would cut, or has cut, the front."""

    kind = "input_truncated"


class TimeUp(CallRefused):
    """A plan has used up its time before its step was done."""

    kind = "time_limit"


class TransientError(LabError):
    """A dead network, a rate limit that outlasted its retries, a server that answers 500."""

    attempts = 1
    """How often the call was made before it was given up."""


class SandboxUnavailable(LabError):
    """Code of others was not run: no sandbox can be built, and the operator has not waived it."""


class AgentRefused(LabError):
    """An agent's work that broke a rule, or never came."""

    def __init__(self, text: str, codes: Sequence[str]) -> None:
        self.codes = tuple(codes)
        super().__init__(text)


class RegistryError(LabError):
    """A remote prompt registry refused a call, or what it answers cannot be used."""


class PromptMissing(RegistryError):
    """The remote registry has no such prompt, version or label."""


class RegistryConflict(RegistryError):
    """The remote registry says that what was to be made is there already."""


class RegistryBusy(RegistryError):
    """The call was certainly not taken: the same one may be made after `retry_after` seconds."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text)


class OutcomeUnknown(RegistryError):
    """A write was sent; `is_settled`: the service is done with it, whatever it did."""

    def __init__(self, text: str, *, is_settled: bool) -> None:
        self.is_settled = is_settled
        super().__init__(text)


class RemoteChanged(RegistryError):
    """The remote registry holds what neither the lab put there nor anyone has accepted."""


class ChatError(LabError):
    """The chat refused a message, or what it answers cannot be used."""


class ChatBusy(ChatError):
    """The message was certainly not taken: it may be sent after `retry_after` seconds."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(text)


class ChatOutcomeUnknown(ChatError):
    """The message was sent, and whether the chat took it is not known."""


class CodeHostError(LabError):
    """The code host refused or did not answer."""


class HeadMoved(CodeHostError):
    """What stands on the branch was not tested."""


class PullEnded(CodeHostError):
    """Merged or closed already, and not by this call."""


class MergeRefused(CodeHostError):
    """The host will not merge as things stand; a person can change that, and call again."""


class MergeConflict(MergeRefused):
    """Both branches changed the same lines."""
