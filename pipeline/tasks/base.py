"""What every Luigi task of a lab shares: parameters, one output file, the lock on the lab."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import luigi
from luigi.cmdline_parser import CmdlineParser

from pipeline.tasks.idle import note_root
from pipeline.tasks.parameters import MOST_REPLICATES, CountParameter, NamesParameter
from pipeline.tasks.turns import in_turns, uses_luigid
from pipeline.wiring import lab_context, load_adapter
from prompt_lab.clock import utc_now
from prompt_lab.errors import ConfigError, LabBusy, LabError, StoreError
from prompt_lab.experiments.flags import MOST_IN_RACE, NEXT
from prompt_lab.lazy import call_on_use
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.lab_id import lab_label
from prompt_lab.store.layout import LabLock

if TYPE_CHECKING:
    from prompt_lab.experiments.context import LabContext
    from prompt_lab.experiments.experiment import Experiment
    from prompt_lab.experiments.flags import settle

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.experiment": "Experiment",
        "prompt_lab.experiments.flags": "settle",
    },
)

T = TypeVar("T", bound=luigi.Task)
_locks: dict[Path, LabLock] = {}
_settled: dict[tuple[Any, ...], dict[str, Any]] = {}


def hold_lab(context: LabContext) -> None:
    """Keep other processes off this lab until this process ends. Raises LabBusy.

    Processes of one luigid share a lab on purpose, and luigid keeps them apart.
    """
    if context.lab.lock in _locks:
        return
    with disk_errors(context.lab.root):
        context.lab.root.mkdir(parents=True, exist_ok=True)
    load_adapter("git", "exclude")(context.lab.root)
    lock = LabLock(context.lab.lock)
    if not lock.acquire(shared=not luigi.interface.core().local_scheduler):
        raise LabBusy(
            f"{context.lab.root}: another process is using this lab"
            f"{_lock_holder(context.lab.lock)}. Wait "
            "until it ends, or run both against one luigid (docs/architecture.md)."
        )
    _locks[context.lab.lock] = lock
    write_text(context.lab.root / ".lock-holder", f"pid {os.getpid()}, since {utc_now()}\n")


class File(luigi.LocalTarget):
    """A file of the lab. Its name may hold what a shell would take for a pattern."""

    def exists(self) -> bool:
        """Whether it is there."""
        return Path(self.path).exists()


@cache
def _check_workers(_: CmdlineParser | None) -> None:
    """Once for each command line: with no worker luigi does nothing, and does not say so."""
    workers = luigi.interface.core().workers
    if workers < 1:
        raise ConfigError([f"--workers {workers}: give a whole number from 1 on"])


class LabTask(luigi.Task):
    """Any task on a lab. A LabError ends in one message, here and on luigid's page."""

    lab_id = luigi.Parameter(
        default="",
        positional=False,
        description="the lab's name and id, so that no two labs share a task of one luigid; set by"
        " itself",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if uses_luigid():
            note_root(self)

    @property
    def context(self) -> LabContext:
        """The lab with its configs and adapters."""
        return lab_context()

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """As luigi reads them. Raises ConfigError for what is no number, or for no worker."""
        _check_workers(CmdlineParser.get_instance())
        try:
            values: list[tuple[str, Any]] = super().get_param_values(params, args, kwargs)
        except ValueError as error:
            text = f"{cls.__name__}: a flag cannot be read: {error.__cause__ or error}"
            raise ConfigError([text]) from error
        found = dict(values)
        own = cls.owner_id(found) if uses_luigid() else ""
        if found["lab_id"] not in ("", own):
            raise ConfigError([f"--lab-id {found['lab_id']}: leave it out, it is set by itself"])
        return [(name, own if name == "lab_id" else value) for name, value in values]

    @classmethod
    def owner_id(cls, values: Mapping[str, Any]) -> str:
        """Name and id of the lab; '' for a dry run, which leaves no trace. Raises StoreError."""
        return "" if values.get("dry_run") else lab_label(lab_context().lab)

    @property
    def page_url(self) -> str:
        """Where luigid's page leads to: the lab's own, which shows what is there now; or ''."""
        context = self.context
        return context.page(context.lab.index) if context.pages_url else ""

    @classmethod
    @cache
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """The class's parameters; cached, since luigi asks for them ten times for every task."""
        return super().get_params()

    def initialized(self) -> bool:
        """Whether luigi may schedule it, which luigi asks once for each build that it is part of.

        luigi keeps one object per class and parameters for as long as the process lives. What an
        earlier build left on this object is reset here; otherwise the second of two equal commands
        in one process would do nothing, and end as if it had.
        """
        ready: bool = super().initialized()
        if ready:
            self.reset_state()
        return ready

    def reset_state(self) -> None:
        """Reset what an earlier build left on the object; subclasses add their own attributes."""
        self.disabled = False

    def complete(self) -> bool:
        """Whether its file is there; False if undeterminable: run() then raises the reason.

        For an error in here luigi prints its trace.
        """
        try:
            return super().complete()
        except LabError:
            return False

    def on_failure(self, exception: BaseException) -> Any:
        """What luigid shows for a failed task."""
        return str(exception) if isinstance(exception, LabError) else super().on_failure(exception)


class Phase(LabTask):
    """A phase of one iteration. Its parameters are those of `Iteration`, passed on by clone()."""

    step = luigi.Parameter(default="", description="a file of configs/steps; default: lab.yaml's")
    number = CountParameter(
        "--number",
        least=0,
        default=NEXT,
        description="the iteration; default: the open one, else the next",
    )
    models = NamesParameter(default="", description="aliases or short names: haiku,llama")
    plans = NamesParameter(default="", description="names of train plans; default: the first ones")
    branch = luigi.Parameter(default="", description="the branch of an existing change to test")
    pr = CountParameter(
        "--pr", least=1, default=0, description="the pull request of an existing change to test"
    )
    agent = luigi.Parameter(
        default="", description="agent that writes the change: a file of configs/agents, or a model"
    )
    analysts = NamesParameter(
        default="", description="analysts of the results: metrics,claude,codex or models"
    )
    # A class body is the only place for a parameter whose name is a word of Python.
    vars()["from"] = luigi.Parameter(
        default="", description="start from another branch's prompt: best-on:<model>"
    )
    follow_up = CountParameter(
        "--follow-up",
        least=1,
        default=0,
        description="apply the fix that this iteration's CONDITIONAL verdict names",
    )
    replicates = CountParameter(
        "--replicates",
        least=1,
        most=MOST_REPLICATES,
        default=0,
        description="replicates: how often each run is made",
    )
    race = CountParameter(
        "--race",
        least=1,
        most=MOST_IN_RACE,
        default=1,
        description="strategies to screen on one baseline, up to 4; the best goes on",
    )
    rivals = NamesParameter(
        default="", description="further branches to screen beside --branch; the best goes on"
    )
    skip_implement = luigi.BoolParameter(description="fail rather than write a candidate")
    skip_runner = luigi.BoolParameter(description="fail rather than call a model")
    force_model = luigi.BoolParameter(description="run models that routing keeps from the step")

    FILE = ""
    """The name of the phase's file in the iteration's folder."""
    ITERATES = True
    """Whether the task belongs to an iteration."""

    @classmethod
    def get_param_values(
        cls, params: Sequence[tuple[str, luigi.Parameter]], args: Any, kwargs: Any
    ) -> list[tuple[str, Any]]:
        """Resolve step and number once, so that they are part of the task's id.

        The lab is read for the task that a person names. Tasks cloned from it have the same
        options, and are not looked up again.
        """
        found = dict(super().get_param_values(params, args, kwargs))
        values = _settle_once(lab_context(), found, iterates=cls.ITERATES)
        return [(name, values[name]) for name, _ in params]

    @property
    def experiment(self) -> Experiment:
        """The iteration that this task belongs to, as the use cases take it."""
        return Experiment(
            self.context,
            step=self.step,
            number=self.number,
            models=self.models,
            plans=self.plans,
            branch=self.branch,
            pr=self.pr,
            agent=self.agent,
            analysts=self.analysts,
            start=str(vars(self)["from"]),
            follow_up=self.follow_up,
            replicates=self.replicates,
            race=self.race,
            rivals=self.rivals,
            skip_implement=self.skip_implement,
            skip_runner=self.skip_runner,
            force_model=self.force_model,
        )

    @property
    def folder(self) -> Path:
        """The iteration's folder in analysis/."""
        return self.context.lab.iteration(self.number, self.step)

    def clone_as(self, kind: type[T], **more: Any) -> T:
        """The task `kind` of the same iteration, with the same flags."""
        task: T = self.clone(kind, **more)
        return task

    def output(self) -> luigi.LocalTarget:
        """The phase's file: its completion marker."""
        return File(str(self.folder / self.FILE))

    def run(self) -> Any:
        """Hold the lab, then do the phase's work."""
        hold_lab(self.context)
        self.check_open()
        if not uses_luigid():
            return self.work()
        name = f"{self.number}_{self.step}_{type(self).__name__}_{self.FILE}"
        return in_turns(self, self.work, self.context.lab, name)

    def check_open(self) -> None:
        """Raises StoreError where the iteration was given up."""
        if self.ITERATES and is_given_up(self.folder):
            raise StoreError(
                f"{self.folder}: iteration {self.number} was given up. luigi --module pipeline"
                f" GiveUp --number {self.number} completes that; without --number the next command"
                " starts a new iteration."
            )

    def work(self) -> Any:
        """Call one use case, which writes the phase's file."""
        raise NotImplementedError


@Phase.event_handler(luigi.Event.DEPENDENCY_DISCOVERED)
def _hold_before_forking(task: Phase, _: luigi.Task) -> None:
    # A lock that the parent holds is shared by its forks; run() reports where it cannot be had.
    try:
        hold_lab(task.context)
    except LabError:
        return


def _settle_once(context: LabContext, values: dict[str, Any], *, iterates: bool) -> dict[str, Any]:
    """The flags settled; the same flags of another phase of this process are not checked again."""
    shared = {name: values[name] for name, _ in Phase.get_params()}
    key = (context.lab.root, context.configs, iterates, values.get("analyst", ""), *shared.values())
    if key not in _settled:
        found = settle(context, values, iterates=iterates)
        known = {name: found[name] for name in shared}
        if NEXT in shared.values():
            return values | known
        _settled[key] = known
    return values | _settled[key]


def _lock_holder(lock: Path) -> str:
    try:
        return f" ({lock.with_name('.lock-holder').read_text('utf-8').strip()})"
    except OSError:
        return ""
