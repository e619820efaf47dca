"""What every measurement reads: the runs, their pairs and texts, the plans, and both prompts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from prompt_lab.analyze.texts import Text, collect, gold_leaves, needs_prefix, run_leaves
from prompt_lab.analyze.words import line, tokens
from prompt_lab.names import Side
from prompt_lab.records import PlanText, PromptVersion, RunRow

MIN_PLANS = 2


class RowPair(NamedTuple):
    """The same run on both sides."""

    baseline: RunRow
    candidate: RunRow


class GroupKey(NamedTuple):
    """Texts that are compared with each other; `plan` '' is all plans of the model."""

    model: str
    plan: str
    field: str


Group = dict[Side, list[Text]]


@dataclass(frozen=True)
class RunEvidence:
    """The runs of one batch and what they are held against."""

    rows: Sequence[RunRow]
    plans: Mapping[str, PlanText]
    prompts: Mapping[Side, PromptVersion]

    @cached_property
    def sides(self) -> tuple[Side, ...]:
        """The sides that have runs, baseline first."""
        return tuple(side for side in Side if any(row.record.side is side for row in self.rows))

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The models, in the order of their first run."""
        return tuple(dict.fromkeys(row.record.model for row in self.rows))

    @cached_property
    def prefix(self) -> bool:
        """Whether fields name their file."""
        return needs_prefix(self.rows)

    @cached_property
    def pairs(self) -> tuple[RowPair, ...]:
        """Runs that both sides have, in the order of the baseline's."""
        candidates = {
            row.record.key._replace(side=Side.BASELINE): row
            for row in self.rows
            if row.record.side is Side.CANDIDATE
        }
        return tuple(
            RowPair(row, candidates[row.record.key])
            for row in self.rows
            if row.record.side is Side.BASELINE and row.record.key in candidates
        )

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every text that the runs answered with."""
        return collect(self.rows)

    @cached_property
    def gold(self) -> dict[tuple[str, str], list[str]]:
        """(plan, field) -> the gold texts."""
        found: dict[tuple[str, str], list[str]] = {}
        for row in self.rows:
            plan = self.plans.get(row.record.plan)
            if plan is None or not plan.gold:
                continue
            fresh: dict[tuple[str, str], list[str]] = defaultdict(list)
            for leaf in gold_leaves(row, plan, prefix=self.prefix):
                fresh[plan.name, leaf.field].append(leaf.text)
            for key, texts in fresh.items():
                found.setdefault(key, texts)
        return found

    @cached_property
    def gold_by_plan(self) -> dict[str, dict[str, list[str]]]:
        """Plan -> field -> the gold texts."""
        found: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for (plan, field), texts in self.gold.items():
            found[plan][field] = texts
        return dict(found)

    @cached_property
    def input_lines(self) -> dict[str, str]:
        """Plan -> the words of its inputs as one line."""
        return {
            name: line(tokens("\n".join(plan.inputs.values()))) for name, plan in self.plans.items()
        }

    @cached_property
    def gold_lines(self) -> dict[str, str]:
        """Plan -> the words of its gold outputs as one line."""
        return {
            name: line(tokens("\n".join(plan.gold.values()))) for name, plan in self.plans.items()
        }

    @cached_property
    def gold_values(self) -> frozenset[str]:
        """Every gold text of every plan, as a line of words."""
        return frozenset(line(tokens(text)) for texts in self.gold.values() for text in texts)

    @cached_property
    def prompt_lines(self) -> dict[Side, str]:
        """Side -> the words of its prompt and of its schema as one line."""
        return {
            side: line(tokens(f"{prompt.text}\n{prompt.schema_text}"))
            for side, prompt in self.prompts.items()
        }

    @cached_property
    def groups(self) -> dict[GroupKey, Group]:
        """Texts of a model and field: of each plan alone and, beyond one plan, of all together.

        With two sides, a plan that has texts on one alone is not a group: it compares nothing.
        """
        found: dict[GroupKey, Group] = {}
        plans_of: dict[str, set[str]] = defaultdict(set)
        for text in self.texts:
            plans_of[text.model].add(text.plan)
        for text in self.texts:
            whole = len(plans_of[text.model]) >= MIN_PLANS
            for plan in (text.plan, "") if whole else (text.plan,):
                group = found.setdefault(GroupKey(text.model, plan, text.field), {})
                group.setdefault(text.side, []).append(text)
        both = len(self.sides)
        return {key: group for key, group in found.items() if not key.plan or len(group) == both}

    def gold_texts(self, key: GroupKey) -> Sequence[str]:
        """The gold texts that a group is held against."""
        return self._gold_by_group.get((key.plan, key.field), ())

    @cached_property
    def _gold_by_group(self) -> dict[tuple[str, str], list[str]]:
        """(plan, or '' for all, field) -> the gold texts."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (plan, field), texts in self.gold.items():
            found[plan, field] += texts
            found["", field] += texts
        return found

    def leaves_by_field(self, row: RunRow) -> dict[str, list[str]]:
        """Field -> the values that a run gave, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for leaf in run_leaves(row.outputs, prefix=self.prefix):
            found[leaf.field].append(leaf.text)
        return dict(found)
