"""Loop: run iterations one after another until a limit is reached or nothing is left to try."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prompt_lab.clock import utc_now
from prompt_lab.decide.stop import Done, LoopLimits, LoopStop, stop, total_cost_usd
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.loop_steps import Ahead, ahead_of, done_in, told_at_end, told_before
from prompt_lab.experiments.needs import IterationNeeded
from prompt_lab.report.terminal import say
from prompt_lab.store.files import write_record
from prompt_lab.store.loops import BEGUN, ENDED, LoopBegun, LoopEnded, read_begun


@dataclass(frozen=True)
class LoopRun:
    """One loop of a step. `options` are those of its iterations, as `Experiment` takes them."""

    context: LabContext
    step: str
    number: int
    limits: LoopLimits
    options: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        """The loop's folder in the lab."""
        return self.context.lab.loop(self.number, self.step)

    def experiment(self, ahead: Ahead) -> Experiment:
        """The loop's next iteration."""
        return Experiment(
            self.context, self.step, ahead.number, **{**self.options, **self.overrides(ahead)}
        )

    def overrides(self, ahead: Ahead) -> dict[str, Any]:
        """The options in which the next iteration differs from the loop's own."""
        return {
            "start": self.options.get("start", "") if ahead.first else "",
            "follow_up": ahead.follow_up,
            "agent": "" if ahead.follow_up else self.options.get("agent", ""),
        }

    def run(self, on_message: Callable[[str, int], None]) -> Iterator[IterationNeeded]:
        """Yield one iteration after the other until a limit is reached. Writes ended.json.

        It is started from the top after each iteration: the lab is the state. `on_message` gets a
        line of text and the percentage that is done.
        """
        while True:
            state = read_begun(self.context.lab, self.number, self.step) or self._new()
            done = done_in(self.context, state)
            reason = stop(self.limits, done)
            if reason is None:
                ahead = ahead_of(self, state)
                reason = ahead.stop or stop(self.limits, done, next_cost=ahead.most_cost)
            if reason is not None:
                self._end(state, done, reason)
                return
            self._begin(state, ahead)
            text = told_before(self, done, ahead)
            on_message(text, round(100 * len(done) / self.limits.iterations))
            yield IterationNeeded(ahead.number, scout=ahead.scouts, **self.overrides(ahead))

    def _new(self) -> LoopBegun:
        """Written down only once it makes an iteration, or ends: one that is refused is none."""
        return LoopBegun(loop=self.number, step=self.step, created=utc_now())

    def _begin(self, state: LoopBegun, ahead: Ahead) -> None:
        """Write down which iteration is the loop's next."""
        if ahead.number not in state.iterations:
            numbers = (*state.iterations, ahead.number)
            write_record(self.folder / BEGUN, state.model_copy(update={"iterations": numbers}))

    def _end(self, state: LoopBegun, done: Sequence[Done], reason: LoopStop) -> None:
        write_record(self.folder / BEGUN, state)
        text = told_at_end(self, done, reason)
        record = LoopEnded(
            loop=self.number,
            step=self.step,
            stop=reason,
            limits=self.limits,
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
