"""The daily review of an agent: each task writes one file under lab/reviews/<review>/.

`DailyReview` runs all of them. Each may be killed and run again: a person gets one message.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import luigi

from pipeline.tasks.base import File, LabTask, hold_lab
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.parameters import AmountParameter, CountParameter
from pipeline.tasks.printing import PrintingTask, prints_when_complete
from pipeline.wiring import lab_context, review_doors, stores
from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError
from prompt_lab.names import count
from prompt_lab.production.daily import (
    answer_replies,
    carry_out,
    deploy_approvals,
    describe_dry_run,
    describe_review,
    notify_review,
)
from prompt_lab.production.detector import parse_time
from prompt_lab.production.review_items import analyse, run_trials
from prompt_lab.production.review_measure import measure
from prompt_lab.production.review_run import (
    ANALYSIS,
    DEPLOYED,
    FINDINGS,
    MEASURED,
    NOTIFIED,
    OBSERVED,
    TRIALS,
    ReviewRun,
    check_review,
    detect,
    format_time_before,
    observe,
    resolve_review,
)

DEFAULT_TRACES = -1
MOST_HOURS = 24 * 3660


class ReviewPhase(LabTask):
    """A part of one review. Its parameters are those of `DailyReview`, passed on by clone()."""

    window = AmountParameter(
        "--window", most=MOST_HOURS, default=24.0, description="hours of traces to look at"
    )
    n = CountParameter(
        "--n", least=0, default=DEFAULT_TRACES, description="most traces that the analyst reads"
    )
    at = luigi.Parameter(default="", description="the review's time, UTC in ISO 8601; default: now")
    review = luigi.Parameter(default="", description="its folder <date>_<n>; default: today's")
    again = luigi.BoolParameter(
        significant=False, description="a further review where today's has been sent"
    )

    FILE = ""
    """The name of its file in the review's folder."""

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Resolve time and folder once, so that they are part of the task's id."""
        found = dict(super().get_param_values(params, args, kwargs))
        context = lab_context()
        found["at"] = check_time(found["at"]) if found["at"] else utc_now()
        if found["n"] == DEFAULT_TRACES:
            found["n"] = context.defaults.production.traces
        if found["review"]:
            check_review(found["review"])
        else:
            date = found["at"][:10]
            found["review"] = resolve_review(context.lab, date, again=found["again"])
        return [(name, found[name]) for name, _ in params]

    @property
    def run_of_review(self) -> ReviewRun:
        """The review as the use cases take it."""
        context = self.context
        opened = stores(context)
        return ReviewRun(
            context,
            opened.traces,
            opened.reviews,
            name=self.review,
            now=self.at,
            window_hours=self.window,
            analyst_traces=self.n,
        )

    def output(self) -> luigi.LocalTarget:
        """The phase's file: its completion marker."""
        return File(str(self.context.lab.root / "reviews" / self.review / self.FILE))

    def run(self) -> Any:
        """Hold the lab, then do the phase's work."""
        hold_lab(self.context)
        return self.work()

    def work(self) -> Any:
        """Call one use case, which writes the phase's file."""
        raise NotImplementedError


class Deploy(ReviewPhase):
    """Take replies, and go on with approvals of earlier reviews. Writes deployed.json."""

    FILE = DEPLOYED

    def work(self) -> None:
        """Before anything new is looked at, what was approved is carried out."""
        deploy_approvals(self.run_of_review, review_doors(self.context))


class Observe(ReviewPhase):
    """What the window holds, which prompts are current. Writes observed.json."""

    FILE = OBSERVED

    def requires(self) -> luigi.Task:
        """The prompts as they are once the last replies are carried out."""
        return self.clone(Deploy)

    def work(self) -> None:
        """Count, and fix window and prompts."""
        observe(self.run_of_review)


class Detect(ReviewPhase):
    """What is wrong, by the detectors under one limit on false findings. Writes findings.json."""

    FILE = FINDINGS

    def requires(self) -> luigi.Task:
        """The window."""
        return self.clone(Observe)

    def work(self) -> None:
        """Run the detectors."""
        detect(self.run_of_review)


class Measure(ReviewPhase):
    """Current versions against those before, with rollbacks by policy. Writes measured.json."""

    FILE = MEASURED

    def requires(self) -> luigi.Task:
        """The window."""
        return self.clone(Observe)

    def work(self) -> None:
        """Compare by prompt version."""
        measure(self.run_of_review)


class Analyse(ReviewPhase):
    """Numbered items, without what is known already; the analyst's too. Writes analysis.json."""

    FILE = ANALYSIS

    def requires(self) -> list[luigi.Task]:
        """Findings, and what became of what was deployed."""
        return [self.clone(Detect), self.clone(Measure)]

    def work(self) -> None:
        """Remember, ask, number."""
        analyse(self.run_of_review)


class Trials(ReviewPhase):
    """Each prompt change that has enough plans, tried by an iteration. Writes trials.json."""

    FILE = TRIALS

    def requires(self) -> luigi.Task:
        """The items."""
        return self.clone(Analyse)

    def work(self) -> Iterator[Any]:
        """Build plans from traces, then make one iteration after the other."""
        for trial in run_trials(self.run_of_review):
            yield Iteration(step=trial.step, number=trial.number, branch=trial.branch)


class Notify(ReviewPhase):
    """The session written, then one message sent. Writes session.json and notified.json."""

    FILE = NOTIFIED

    def requires(self) -> luigi.Task:
        """What the trials said."""
        return self.clone(Trials)

    def work(self) -> None:
        """Write, then send. Raises ChatError where the chat is down: the next command retries."""
        notify_review(self.run_of_review, review_doors(self.context))


class DailyReview(PrintingTask, ReviewPhase):
    """One review from observation to message; prints the message. --dry-run writes nothing."""

    FILE = NOTIFIED

    dry_run = luigi.BoolParameter(description="detect and print; write, try and send nothing")

    @property
    def one_process_only(self) -> bool:
        """It changes the lab, except for a dry run."""
        return not self.dry_run

    def complete(self) -> bool:
        """Whether the message is sent; of a dry run, whether it has printed."""
        return super().complete() if self.dry_run else ReviewPhase.complete(self)

    def requires(self) -> luigi.Task | None:
        """All phases, the last one first; none for a dry run."""
        return None if self.dry_run else self.clone(Notify)

    def run(self) -> None:
        """Print; the phases have done the work."""
        if self.dry_run:
            self.print_result(describe_dry_run(self.run_of_review))
            return
        is_shown = self.context.defaults.production.chat == "terminal"
        self.print_result(describe_review(self.run_of_review, shows_message=not is_shown))


@prints_when_complete(DailyReview)
def _read_message(task: DailyReview) -> str:
    return "" if task.dry_run else describe_review(task.run_of_review)


class TakeReplies(PrintingTask):
    """Takes the replies that wait in the chat, carries them out, and prints what was answered."""

    _lines: tuple[str, ...] | None = None
    _review: DailyReview | None = None

    @property
    def one_process_only(self) -> bool:
        """It may deploy."""
        return True

    def reset_state(self) -> None:
        """Take replies again."""
        super().reset_state()
        self._lines, self._review = None, None

    def run(self) -> Iterator[Any]:
        """One round, and the review that a reply asked for. Luigi starts this again after it."""
        hold_lab(self.context)
        if self._lines is None:
            self._lines = self._take()
        if self._review is not None:
            yield self._review
        self.print_result("\n".join(self._lines) or "No reply waits.")

    def _take(self) -> tuple[str, ...]:
        opened = stores(self.context)
        run = ReviewRun(self.context, opened.traces, opened.reviews, name="", now=utc_now())
        doors = review_doors(self.context, replies=sys.stdin or ())
        doors = doors._replace(start_review=self._start_review)
        answers, notes = answer_replies(run, doors), carry_out(run, doors)
        is_shown = self.context.defaults.production.chat == "terminal"  # the chat has printed them
        shown = [f"{count(len(answers), 'message')} answered"] if is_shown else answers
        return (*shown, *notes)

    def _start_review(self, _reply: str) -> str:
        self._review = self._review or DailyReview(again=True)
        return (
            "A review begins. It is sent if today has had no message yet; otherwise it is on the"
            " page of reviews."
        )


def check_time(value: str) -> str:
    """A time as our records have it. Raises ConfigError for what is none."""
    try:
        if parse_time(value).utcoffset() is None:
            raise ValueError("no time zone")
        format_time_before(value, MOST_HOURS)
        return format_time_before(value, 0)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            [f"--at {value!r}: give a UTC time such as 2026-02-26T06:00:00Z"]
        ) from error
