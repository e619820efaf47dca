"""The optimizer of the PromptOps service: each phase of a round writes one file of its folder.

`Optimize` takes in what the service wrote, checks running canaries, and goes on with the open round
or begins one, if nothing says that it should wait. It ends as soon as a user or the switch asks.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline.interrupt import stop_command
from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.printing import PrintingTask
from pipeline.wiring import lab_context, optimizer_run
from prompt_lab.clock import utc_now
from prompt_lab.promptops.consume import consume
from prompt_lab.promptops.decision import decide_round
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.rounds import (
    GATED,
    PROPOSED,
    TRIED,
    note_attempt,
    rounds_folder,
)
from prompt_lab.promptops.schedule import next_step, why_stop
from prompt_lab.promptops.tried import read_trial
from prompt_lab.promptops.worker import propose

LOOK_SECONDS = 0.3
"""How often a working optimizer looks whether it should stop."""
NICE = 19


class RoundPhase(LabTask):
    """A part of one round."""

    round = luigi.Parameter(description="its folder <date>_<n> in lab/promptops/rounds")
    FILE = ""
    """The name of its file in the round's folder."""

    @property
    def run_of_round(self) -> OptimizerRun:
        """The round as the use cases take it."""
        return optimizer_run(self.context, utc_now())

    def output(self) -> luigi.LocalTarget:
        """The phase's file: its completion marker."""
        return File(str(rounds_folder(self.context.lab) / self.round / self.FILE))

    def run(self) -> Any:
        """Hold the lab, then do the phase's work."""
        hold_lab(self.context)
        return self.work()

    def work(self) -> Any:
        """Call one use case, which writes the phase's file."""
        raise NotImplementedError


class Propose(RoundPhase):
    """A weak prompt, its challenge set, variants, a prepared trial. Writes proposed.json."""

    FILE = PROPOSED

    def work(self) -> None:
        """Propose."""
        propose(self.run_of_round, self.round)


class TryVariants(RoundPhase):
    """The variants screened, the best one confirmed, by an iteration. Writes tried.json."""

    FILE = TRIED

    def requires(self) -> luigi.Task:
        """The variants."""
        return self.clone(Propose)

    def work(self) -> Iterator[Any]:
        """Make the iteration, then read what it said."""
        run = self.run_of_round
        proposed = run.read_proposed(self.round)
        if proposed.sound:
            branch, *rivals = (one.branch for one in proposed.sound)
            yield Iteration(
                step=proposed.step,
                number=proposed.number,
                branch=branch,
                rivals=",".join(rivals),
                models=",".join(proposed.models),
            )
        read_trial(run, self.round)


class Gate(RoundPhase):
    """The best variant put on live traffic, or kept in review with codes. Writes gated.json."""

    FILE = GATED

    def requires(self) -> luigi.Task:
        """What the trial said."""
        return self.clone(TryVariants)

    def work(self) -> None:
        """Decide."""
        decide_round(self.run_of_round, self.round)


class Optimize(PrintingTask):
    """One round of the optimizer, if it should work now; prints what it did or why it waits."""

    once = luigi.BoolParameter(
        significant=False,
        description="work now, whatever the load, and whether or not a user is active",
    )

    _lines: tuple[str, ...] | None = None
    _round = ""

    @property
    def one_process_only(self) -> bool:
        """It changes the lab."""
        return True

    def reset_state(self) -> None:
        """Look again."""
        super().reset_state()
        self._lines, self._round = None, ""

    def run(self) -> Iterator[Any]:
        """Take in, then one round. Luigi starts this again after it."""
        hold_lab(self.context)
        if self._lines is None:
            run = optimizer_run(self.context, utc_now())
            taken = consume(run)
            step = next_step(run, waits=not self.once)
            self._lines, self._round = (*taken, step.text), step.round
        if self._round:
            _work_quietly(self._round, watches_users=not self.once)
            yield Gate(round=self._round)
            run = optimizer_run(self.context, utc_now())
            self._lines = (*self._lines, decide_round(run, self._round).text)
        self.print_result("\n".join(line for line in self._lines if line))


def _work_quietly(name: str, *, watches_users: bool) -> None:
    """The lowest priority, and a thread that ends the command once it should stop."""
    os.nice(max(0, NICE - os.nice(0)))
    context = lab_context()
    folder = rounds_folder(context.lab) / name
    note_attempt(folder, "began", utc_now())
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_SECONDS):
            reason = why_stop(context, utc_now(), watches_users=watches_users)
            if reason:
                note_attempt(folder, "stopped", utc_now(), reason)
                stop_command(f"The optimizer stops: {reason}. The next Optimize goes on from here.")
                return

    threading.Thread(target=watch, name="optimizer watch", daemon=True).start()
