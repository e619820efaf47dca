"""Why an agent's work is not taken: a code and a sentence for each reason; pure."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from prompt_lab.agents.port import AgentResult, Ending
from prompt_lab.analyze.leaks import Leak, leaks
from prompt_lab.analyze.words import visible
from prompt_lab.config.agents import AgentConfig
from prompt_lab.propose.budget import SHOWN, Breach, ChangedFile, EditBudget, excesses
from prompt_lab.records import PlanText, Record
from prompt_lab.redact import Redactor

NAME_SHOWN = 120
PLANS_SEEN = 3
"""Verify plans whose gold values stand in a text: fewer may be there by chance."""
_PRIVATE_KEY = "PRIVATE KEY-----"
Contents = Mapping[str, tuple[bytes, bytes]]
"""path -> bytes of a changed file before and after."""


class Refusal(StrEnum):
    """Reasons beside those of the mutation budget (prompt_lab.propose.budget.Breach)."""

    FAILED = "failed"  # it ended without having done its work
    TIME_LIMIT = "time_limit"  # it was ended at its limit, with all that it had started
    COST_LIMIT = "cost_limit"
    OUTPUT_LIMIT = "output_limit"
    MEMORY_LIMIT = "memory_limit"
    PROCESS_LIMIT = "process_limit"
    NO_BLOCK = "no_block"  # prose instead of the block that was asked for
    BAD_BLOCK = "bad_block"  # the block does not fit its schema
    SECRET = "secret"  # a key is in a file that it changed, in its name, or in its title
    BAD_PROMPT = "bad_prompt"  # the prompt that it wrote would not be sent with its input
    NOT_TEXT = "not_text"  # a file that it changed is not UTF-8
    VERIFY_SEEN = "verify_seen"  # text of the verify plans is in what it wrote or printed
    NO_EVIDENCE = "no_evidence"  # a finding without a number and the path of a run


BY_ITS_END = (Refusal.NO_BLOCK, Refusal.BAD_BLOCK, Breach.NOTHING_CHANGED)
"""What is no news of work that was ended, or has failed."""


class Fault(Record):
    """One reason. The code is one of Refusal or Breach."""

    code: str
    text: str


_ENDINGS = {
    Ending.FAILED: (Refusal.FAILED, "it failed"),
    Ending.TIME: (Refusal.TIME_LIMIT, "it was ended after {seconds:g} seconds, its limit"),
    Ending.COST: (Refusal.COST_LIMIT, "it cost ${cost:.4f}, ${limit:g} allowed"),
    Ending.OUTPUT: (Refusal.OUTPUT_LIMIT, "it printed more than is kept"),
    Ending.MEMORY: (Refusal.MEMORY_LIMIT, "it took more than {memory} MB of memory"),
    Ending.PROCESSES: (Refusal.PROCESS_LIMIT, "it started more than {processes} processes"),
}


def of_ending(result: AgentResult, config: AgentConfig) -> list[Fault]:
    """The reason that lies in how the work ended, if any."""
    ending = result.ending
    if ending is Ending.DONE and result.cost_usd > config.cost_usd:
        ending = Ending.COST
    if ending is Ending.DONE:
        return []
    code, words = _ENDINGS[ending]
    text = words.format(
        seconds=config.seconds,
        cost=result.cost_usd,
        limit=config.cost_usd,
        memory=config.memory_mb,
        processes=config.processes,
    )
    return [Fault(code=code, text=f"{text}: {result.message}" if result.message else text)]


def of_changes(
    changes: Sequence[ChangedFile], config: AgentConfig, bad_paths: Sequence[str] = ()
) -> list[Fault]:
    """The reasons that lie in which files were changed, and how; or could not even be written."""
    found = [Fault(code=e.code, text=e.text) for e in excesses(changes, budget_of(config))]
    if not bad_paths:
        return found
    named = ", ".join(repr(path[:NAME_SHOWN]) for path in bad_paths[:SHOWN])
    more = f" and {len(bad_paths) - SHOWN} more" if len(bad_paths) > SHOWN else ""
    text = f"no plain path to a file inside the tree: {named}{more}"
    others = [f for f in found if f.code not in (Breach.BAD_PATH, Breach.NOTHING_CHANGED)]
    return [Fault(code=Breach.BAD_PATH, text=text), *others]


def budget_of(config: AgentConfig) -> EditBudget:
    """The budget of an agent."""
    return EditBudget(
        paths=config.paths,
        max_files=config.max_files,
        max_lines=config.max_lines,
        file_types=config.file_types,
        protected=config.protected,
    )


def of_secrets(
    contents: Contents, redactor: Redactor, said: Mapping[str, str] = MappingProxyType({})
) -> list[Fault]:
    """The reason that a key is in the new text of a changed file, in its name, or in `said`.

    `said` are the texts that are published with the files, by what they are.

    One that the file held before is not the work's. Whole texts are looked at, never the lines of
    a printed diff: what ends a line is a matter of opinion.
    """
    found = [
        redact_for_publication(path, redactor)
        for path, (before, after) in contents.items()
        if _keys(after, redactor) - _keys(before, redactor) or redactor.find_secrets(visible(path))
    ]
    found += [what for what, text in said.items() if _keys(text.encode(), redactor)]
    if not found:
        return []
    return [Fault(code=Refusal.SECRET, text=f"a key is in {', '.join(map(repr, found))}")]


def redact_for_publication(text: str, redactor: Redactor) -> str:
    r"""A text as it may go into a commit, a pull request or a page: no key is in it.

    Also matches secrets split by zero-width characters; those are removed with the secret.

    >>> redact_for_publication("It is sk-live-\u200b0123456789abcdef.", Redactor([]))
    'It is [key].'
    """
    shown = redactor.text(text)
    seen = visible(shown)
    hidden = redactor.text(seen)
    return shown if hidden == seen else hidden


def _keys(data: bytes, redactor: Redactor) -> frozenset[str]:
    text = data.decode("utf-8", "replace")
    seen = visible(text)
    found = redactor.find_secrets(text) | redactor.find_secrets(seen)
    return found | ({_PRIVATE_KEY} if _PRIVATE_KEY in seen else frozenset())


def of_texts(contents: Contents) -> list[Fault]:
    """The reason that a changed file is not UTF-8: no one could read it back."""
    found = [path for path, (_, after) in contents.items() if not _is_text(after)]
    if not found:
        return []
    return [Fault(code=Refusal.NOT_TEXT, text=f"not UTF-8 text: {', '.join(map(repr, found))}")]


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return b"\0" in data  # which the budget calls binary
    return True


def of_verify(
    written: str,
    printed: str,
    honest: str,
    *,
    train: Sequence[PlanText],
    verify: Sequence[PlanText],
) -> list[Fault]:
    """The reason that text of verify plans is in what it wrote into files, or printed.

    `honest` is all that it was given. In files nothing of a verify plan may stand. What was printed
    holds numbers of many kinds: there it takes a stretch of words, or the values of several plans.
    """
    found: Sequence[Leak] = leaks(honest, f"{honest}\n{written}", train, verify)
    if not found:
        found = _telling(leaks(honest, f"{honest}\n{printed}", train, verify), verify)
    if not found:
        return []
    names = sorted({leak.plan for leak in found})
    shown = ", ".join(map(repr, names[:3])) + (", …" if len(names) > 3 else "")
    text = f"text of {len(names)} verify plan(s) is in its work: {shown}"
    return [Fault(code=Refusal.VERIFY_SEEN, text=text)]


def _telling(found: Sequence[Leak], verify: Sequence[PlanText]) -> Sequence[Leak]:
    values = {leak.plan for leak in found}
    stretches = [leak for leak in found if len(leak.text.split()) >= 5]
    return found if stretches or len(values) >= min(PLANS_SEEN, len(verify)) else ()


def in_words(faults: Iterable[Fault]) -> str:
    """One line a reason."""
    return "\n".join(f"  {fault.code}: {fault.text}" for fault in faults)
