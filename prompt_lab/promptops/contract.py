"""The contract API: a program asks for its prompt, and says what became of the call.

Version 1 is described in docs/promptops_contract.md. Nothing here raises because of the lab, its
files or the caller's prompt: the raw prompt comes back with the reason. Nothing here can write
into the registry.
"""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from time import perf_counter, time
from types import MappingProxyType
from typing import Any, Final, Protocol, Self

from prompt_lab.config.base import load
from prompt_lab.config.lab import LabConfig
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import ConfigError
from prompt_lab.promptops.arms import choose_arm
from prompt_lab.promptops.metric_log import MetricLog, describe_outcome
from prompt_lab.promptops.prepared_rows import (
    describe_prepared,
    hash_unit,
    make_traces,
    show_time,
)
from prompt_lab.promptops.records import (
    Arm,
    Canary,
    Prompt,
    PromptPrepared,
    TemplateRecommendation,
)
from prompt_lab.promptops.selection.audit import AuditedSelector
from prompt_lab.promptops.served import ServedPrompt, ServedPrompts
from prompt_lab.store.layout import Lab

ChooseArm = Callable[[Canary, str], Arm]
CLIENTS: Final = "prompt_lab.promptops_client"
"""The group of the entry points that speak to a served lab, by the scheme of its address."""
NO_CONTEXT: Final[Mapping[str, Any]] = MappingProxyType({})
_NOTED = ("model", "confidence", "source_count", "question", "sources", "expected")
"""Keys of a context that belong to the call's outcome and are noted with it."""
_log = logging.getLogger("prompt_lab.promptops")


class PromptService(Protocol):
    """The contract; the same in process and over HTTP."""

    def prepare(
        self, task_class: str, raw_prompt: Prompt, context: Mapping[str, Any] = NO_CONTEXT
    ) -> PromptPrepared:
        """The prompt to send; the raw one, with the reason, where there is no better one."""

    def record_outcome(self, trace: str, **facts: Any) -> None:
        """Say what became of a call: fields of CallOutcome. Never raises, never waits."""

    def recommend_template(
        self, task_class: str, context: Mapping[str, Any] = NO_CONTEXT
    ) -> TemplateRecommendation | None:
        """The registered text for a task class, unfilled; None where there is none."""

    def close(self) -> None:
        """Write what is waiting, and end threads."""


class PromptOps:
    """The contract over a lab's folder. Thread-safe; open it once per process.

    Two calls of one `unit` get the same arm of a canary. Also a context manager.
    """

    def __init__(
        self,
        lab: Lab,
        config: PromptOpsConfig,
        *,
        now: Callable[[], str] | None = None,
        new_trace: Callable[[], str] | None = None,
        choose_arm: ChooseArm = choose_arm,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """`now`: default is the time in UTC. `clock`: seconds, for the budget and latencies.

        A lab without prompts is fine.
        """
        # The default time is written as text on the writing thread.
        self._now: Callable[[], str | float] = now or time
        self._clock = clock
        self._new_trace = new_trace or make_traces()
        self._choose_arm = choose_arm
        self._budget_ms = config.prepare_ms
        self.served = ServedPrompts(lab, config.task_classes)
        self.metrics = MetricLog(lab)
        self.selector = AuditedSelector(lab, config.selector, self._now)

    def prepare(
        self, task_class: str, raw_prompt: Prompt, context: Mapping[str, Any] = NO_CONTEXT
    ) -> PromptPrepared:
        """The prompt to send for a call of a task class.

        `context` (all optional): `unit` (who asks; kept hashed), `intent` (among prompts of one
        class), `inputs` (placeholder -> text), `max_latency_ms` and `max_cost_usd` (of variants
        that the selector may choose), and what the metric row is to note: `model`, `confidence`,
        `source_count`, `question`, `sources`, `expected`.
        """
        begun = self._clock()
        trace = self._new_trace()
        unit = ""
        try:
            given = context.get("unit")
            unit = hash_unit(str(given)) if given else trace
            intent = str(context.get("intent", ""))
            prepared = self._choose(task_class, raw_prompt, context, (trace, unit, intent))
        except ValueError as error:
            prepared = give_raw(raw_prompt, trace, str(error))
        except Exception as error:  # the contract: whatever fails, the caller gets its own prompt
            _log.exception("prepare has failed")
            prepared = give_raw(raw_prompt, trace, f"{type(error).__name__}: {error}"[:200])
        taken = 1e3 * (self._clock() - begun)
        if taken > self._budget_ms and prepared.applied:
            reason = f"it took {taken:.0f} ms, and the budget is {self._budget_ms:g} ms"
            prepared = give_raw(raw_prompt, trace, reason)
        self._note(task_class, prepared, unit, taken, context)
        return prepared

    def record_outcome(self, trace: str, **facts: Any) -> None:
        """Note facts about a call: fields of CallOutcome; later rows of a trace add to earlier.

        Never raises: what is no such fact is left out, and the row names it.
        """
        if "unit" in facts:
            facts["unit"] = hash_unit(str(facts["unit"]))
        when = self._now()
        self.metrics.add(lambda: describe_outcome(str(trace), show_time(when), facts))

    def recommend_template(
        self, task_class: str, context: Mapping[str, Any] = NO_CONTEXT
    ) -> TemplateRecommendation | None:
        """The current text for a task class; None where the lab has none. Never raises."""
        table = self.served.table
        try:
            found = table.find(task_class, str(context.get("intent", "")))
            leader = self.selector.find_leader(table, found, task_class, context)
        except ValueError:
            return None
        answer = found.answer
        if found.is_paused and not leader:
            return None
        is_other = leader in found.alternatives
        return TemplateRecommendation(
            task_class=task_class,
            prompt_id=answer.id,
            snapshot=answer.snapshot,
            variant=leader or answer.version,
            text=found.alternatives[leader][1] if is_other else answer.text,
            strategy="selected" if leader else "current",
        )

    def close(self) -> None:
        """Write the rows that wait, and end the threads."""
        self.served.close()
        self.metrics.close()
        self.selector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _choose(
        self,
        task_class: str,
        raw: Prompt,
        context: Mapping[str, Any],
        names: tuple[str, str, str],
    ) -> PromptPrepared:
        """`names`: trace, unit, intent. Raises ValueError with the reason for the raw prompt."""
        trace, unit, intent = names
        table = self.served.table
        served = table.find(task_class, intent)
        arm = self._find_arm(served, unit)
        text, variant = served.text, served.answer.version
        strategy: str = arm or "current"
        chosen = self.selector.choose(table, served, task_class, context, trace)
        if chosen is not None:
            variant, strategy = chosen.variant, "explored" if chosen.explored else "selected"
            text = served.alternatives[variant][0] if variant in served.alternatives else text
        if arm == "canary" and served.canary is not None and served.candidate is not None:
            text, variant = served.candidate, served.canary.candidate
        if served.is_paused and variant == served.answer.version:
            raise ValueError(f"the current text of {served.answer.id!r} is paused by a person")
        inputs = context.get("inputs") or NO_CONTEXT
        if inputs is not NO_CONTEXT and not isinstance(inputs, Mapping):
            raise ValueError("context['inputs'] must be an object: placeholder -> text")
        return PromptPrepared(
            prompt=text.join(raw, inputs),
            prompt_id=served.answer.id,
            snapshot=served.answer.snapshot,
            variant=variant,
            arm=arm,
            applied=True,
            strategy=strategy,
            trace=trace,
        )

    def _find_arm(self, served: ServedPrompt, unit: str) -> Arm:
        return self._choose_arm(served.canary, unit) if served.canary is not None else ""

    def _note(
        self,
        task_class: str,
        prepared: PromptPrepared,
        unit: str,
        taken: float,
        context: Mapping[str, Any],
    ) -> None:
        when = self._now()
        facts = {name: context[name] for name in _NOTED if name in context} if context else {}
        self.metrics.add(
            lambda: describe_prepared(task_class, prepared, unit, (show_time(when), taken), facts)
        )


def give_raw(raw: Prompt, trace: str, reason: str) -> PromptPrepared:
    """The caller's own prompt, unchanged, with the reason."""
    # Not validated: even what is no prompt at all comes back as it was given.
    return PromptPrepared.model_construct(
        prompt=raw, strategy="raw", reason=reason, trace=trace, applied=False
    )


def open_promptops(lab_or_url: Path | str, **options: Any) -> PromptService:
    """The contract over a lab's folder, or over the address that `prompt-lab serve` prints.

    `options` are those of PromptOps, and `config`: default is `promptops:` of the lab's lab.yaml.
    For an address they are those of its client: `key`, `timeout_seconds`. Raises ConfigError for a
    lab.yaml that cannot be read, or where no client of such an address is installed.
    """
    scheme, mark, _ = str(lab_or_url).partition("://")
    if mark:
        found = entry_points(group=CLIENTS, name=scheme)
        if not found:
            raise ConfigError([f"{lab_or_url}: no installed package speaks {scheme!r} addresses"])
        client: PromptService = next(iter(found)).load()(str(lab_or_url), **options)
        return client
    lab = Lab(Path(lab_or_url))
    config = options.pop("config", None) or read_config(lab)
    return PromptOps(lab, config, **options)


def read_config(lab: Lab) -> PromptOpsConfig:
    """The section `promptops:` of a lab's own lab.yaml. Raises ConfigError."""
    path = lab.root / "lab.yaml"
    return load(path, LabConfig).promptops if path.exists() else PromptOpsConfig()
