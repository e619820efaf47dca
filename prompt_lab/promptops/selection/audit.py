"""The selector within the contract API: a choice for each call, and a row for each choice."""

from collections.abc import Callable, Mapping
from typing import Any

from prompt_lab.config.promptops import SelectorConfig
from prompt_lab.promptops.metric_log import MetricLog
from prompt_lab.promptops.prepared_rows import show_time
from prompt_lab.promptops.selection.records import (
    SelectionContext,
    SelectionEvidence,
    SelectionRow,
    VariantSelection,
)
from prompt_lab.promptops.selection.selector import Selector
from prompt_lab.promptops.served import ServedPrompt, ServedTable
from prompt_lab.store.layout import Lab

LOG = "selection.jsonl"


class AuditedSelector:
    """Chooses among what is served, in the classes that a verdict turned it on for."""

    def __init__(self, lab: Lab, config: SelectorConfig, now: Callable[[], str | float]) -> None:
        self.rows = MetricLog(lab, LOG)
        self._selector = Selector(config)
        self._evidence: SelectionEvidence | None = None
        self._now = now

    def choose(
        self,
        table: ServedTable,
        served: ServedPrompt,
        task_class: str,
        context: Mapping[str, Any],
        trace: str,
    ) -> VariantSelection | None:
        """The choice for one call, noted in selection.jsonl.

        None where the selector is off for the class, a canary runs, or there is one text alone.
        """
        if not self._is_asked(table, served, task_class):
            return None
        names = _list_names(served)
        asked = read_context(served.answer.id, task_class, context)
        chosen = self._selector.choose(asked, names[0], names)
        when = self._now()
        about = (served.answer.id, trace, len(names), self._selector.evidence_time)
        self.rows.add(lambda: self._describe(chosen, show_time(when), about))
        return chosen

    def find_leader(
        self,
        table: ServedTable,
        served: ServedPrompt,
        task_class: str,
        context: Mapping[str, Any],
    ) -> str:
        """The variant that is ranked first, without exploring or counting; '' as `choose`."""
        if not self._is_asked(table, served, task_class):
            return ""
        asked = read_context(served.answer.id, task_class, context)
        names = _list_names(served)
        return self._selector.rank(asked, names[0], names).leader

    def close(self) -> None:
        """Write the rows that wait."""
        self.rows.close()

    def _is_asked(self, table: ServedTable, served: ServedPrompt, task_class: str) -> bool:
        if task_class not in table.selector_classes or not served.alternatives:
            return False
        if table.evidence is not self._evidence:
            self._evidence = table.evidence
            self._selector.learn(table.evidence)
        return served.canary is None

    def _describe(
        self, chosen: VariantSelection, when: str, about: tuple[str, str, int, str]
    ) -> dict[str, Any]:
        prompt_id, trace, candidates, evidence = about
        row = SelectionRow(
            when=when,
            trace=trace,
            prompt_id=prompt_id,
            group=chosen.group,
            variant=chosen.variant,
            leader=chosen.leader,
            reason=chosen.reason,
            explored=chosen.explored,
            confidence=round(chosen.confidence, 4),
            number=chosen.number,
            candidates=candidates,
            seed=self._selector.config.seed,
            evidence=evidence,
        )
        return row.model_dump(mode="json")


def _list_names(served: ServedPrompt) -> tuple[str, ...]:
    """The versions that may be served, the current one first unless it is paused."""
    current = () if served.is_paused else (served.answer.version,)
    return (*current, *served.alternatives)


def read_context(prompt_id: str, task_class: str, context: Mapping[str, Any]) -> SelectionContext:
    """What of a caller's context a choice depends on. Raises ValueError for wrong values."""
    return SelectionContext(
        prompt_id,
        task_class,
        model=str(context.get("model") or "")[:200],
        confidence=_read_number(context, "confidence"),
        max_latency_ms=_read_number(context, "max_latency_ms"),
        max_cost_usd=_read_number(context, "max_cost_usd"),
    )


def _read_number(context: Mapping[str, Any], name: str) -> float | None:
    value = context.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"context[{name!r}] must be a number, not {value!r:.40}")
    return float(value)
