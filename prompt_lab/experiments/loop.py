"""Loop: iterations one after another, until a limit is reached or nothing is left to try."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import luigi

from pipeline.console import say
from pipeline.tasks.base import File, LabTask, P, hold_lab, utc_now
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.parameters import (
    MOST_REPLICATES,
    AmountParameter,
    CountParameter,
    NamesParameter,
)
from pipeline.tasks.printing import prints_when_complete
from pipeline.tasks.turns import in_turns, uses_luigid
from prompt_lab.decide.stop import Done, LoopStop, stop, total_cost_usd
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.context import context
from prompt_lab.experiments.flags import NEXT
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.loop_steps import (
    Ahead,
    ahead_of,
    done_in,
    limits_of,
    told_at_end,
    told_before,
)
from prompt_lab.experiments.scout import Scout
from prompt_lab.store.files import write_record
from prompt_lab.store.loops import (
    BEGUN,
    ENDED,
    LoopBegun,
    LoopEnded,
    check_loop,
    open_loop,
    read_begun,
    read_ended,
)


class Loop(LabTask):
    """Iteration after iteration. Says why it stopped; the reason is in ended.json."""

    step = luigi.Parameter(default="", description="a file of configs/steps; default: lab.yaml's")
    number = CountParameter(
        "--number",
        least=1,
        default=NEXT,
        description="the loop; default: the open one, or a new one",
    )
    iterations = CountParameter("--iterations", least=1, default=5, description="at most so many")
    budget_usd = AmountParameter(
        "--budget-usd", description="stop before an iteration that could take more US dollars"
    )
    target_score = AmountParameter(
        "--target-score", most=1, description="stop once main's mean score is at least this"
    )
    without_yes = CountParameter(
        "--without-yes", least=1, default=3, description="stop after so many in a row without a YES"
    )
    models = NamesParameter(default="", description="as for Iteration")
    plans = NamesParameter(default="", description="as for Iteration")
    replicates = CountParameter(
        "--replicates", least=1, most=MOST_REPLICATES, default=0, description="as for Iteration"
    )
    agent = luigi.Parameter(default="", description="as for Iteration")
    analysts = NamesParameter(default="", description="as for Iteration")
    vars()["from"] = luigi.Parameter(
        default="", description="as for Iteration, of the loop's first one"
    )

    _printed_text = ""

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Resolve step and number once, so that they are part of the task's id."""
        found = dict(super().get_param_values(params, args, kwargs))
        ctx = context()
        found["step"] = found["step"] or ctx.defaults.step
        ctx.step(found["step"])
        if found["number"] == NEXT:
            found["number"] = open_loop(ctx.lab, found["step"])
        check_loop(ctx.lab, found["number"], found["step"])
        return [(name, found[name]) for name, _ in params]

    @property
    def folder(self) -> Path:
        """The loop's folder in the lab."""
        return self.context.lab.loop(self.number, self.step)

    def reset_state(self) -> None:
        """What an earlier build printed, this one prints again."""
        super().reset_state()
        self._printed_text = ""

    def output(self) -> luigi.LocalTarget:
        """The file that says why it stopped."""
        return File(str(self.folder / ENDED))

    def run(self) -> Iterator[Any]:
        """Hold the lab, then go on."""
        hold_lab(self.context)
        if not uses_luigid():
            yield from self.work()
            return
        name = f"loop_{self.number}_{self.step}"
        yield from in_turns(self, self.work, self.context.lab, name)

    def work(self) -> Iterator[Any]:
        """One iteration after the other. Luigi begins anew after each: the lab is the state."""
        while True:
            state = read_begun(self.context.lab, self.number, self.step) or self._new()
            done, limits = done_in(self.context, state), limits_of(self)
            reason = stop(limits, done)
            if reason is None:
                ahead = ahead_of(self, state)
                reason = ahead.stop or stop(limits, done, next_cost=ahead.most_cost)
            if reason is not None:
                self._end(state, done, reason)
                return
            self._go_on(state, done, ahead)
            if ahead.scouts:
                yield self.next_task(Scout, ahead)
            else:
                yield self.next_task(Iteration, ahead)

    def next_task(self, kind: type[P], ahead: Ahead) -> P:
        """The loop's next iteration, or a phase of it."""
        flags = {"from": self.start if ahead.first else "", "follow_up": ahead.follow_up}
        flags["agent"] = "" if ahead.follow_up else self.agent
        return kind(
            step=self.step,
            number=ahead.number,
            models=self.models,
            plans=self.plans,
            replicates=self.replicates,
            analysts=self.analysts,
            **flags,
        )

    @property
    def start(self) -> str:
        """Where the first candidate begins, as --from says."""
        return str(vars(self)["from"])

    def _new(self) -> LoopBegun:
        """Written down only once it makes an iteration, or ends: one that is refused is none."""
        return LoopBegun(loop=self.number, step=self.step, created=utc_now())

    def _go_on(self, state: LoopBegun, done: Sequence[Done], ahead: Ahead) -> None:
        """Write down which iteration is the loop's next, and say it."""
        if ahead.number not in state.iterations:
            numbers = (*state.iterations, ahead.number)
            write_record(self.folder / BEGUN, state.model_copy(update={"iterations": numbers}))
        text = told_before(self, done, ahead)
        if text != self._printed_text:  # once, also where a scout went ahead of the iteration
            say(text)
        self._printed_text = text
        if self.set_status_message is not None:
            self.set_status_message(text)
        if self.set_progress_percentage is not None:
            self.set_progress_percentage(round(100 * len(done) / self.iterations))

    def _end(self, state: LoopBegun, done: Sequence[Done], reason: LoopStop) -> None:
        write_record(self.folder / BEGUN, state)
        text = told_at_end(self, done, reason)
        record = LoopEnded(
            loop=self.number,
            step=self.step,
            stop=reason,
            limits=limits_of(self),
            iterations=tuple(one.iteration for one in done),
            cost_usd=total_cost_usd(done),
            text=text,
            when=utc_now(),
        )
        write_record(self.folder / ENDED, record)
        write_ledger(self.context)
        message = f"Loop {self.number} stopped: {reason.code.value}"
        commit_lab(self.context, message, when=record.when)
        say(text)


@prints_when_complete(Loop)
def _read_reason(task: Loop) -> str:
    record = read_ended(task.context.lab, task.number, task.step)
    return "" if record is None else record.text
