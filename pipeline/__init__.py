"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_lab.lazy import find_lazily

_COMMAND, _LUIGI = Path(sys.argv[0]).name, ("luigi", "luigi.exe")
if _COMMAND in _LUIGI:
    # Luigi's own command: its terminal gets one plain line for Ctrl-C and for our own errors.
    # This comes before all other imports, which take a second or two.
    from pipeline.interrupt import end_plainly, handle_interrupts

    sys.excepthook = end_plainly
    handle_interrupts()

if TYPE_CHECKING:
    from pipeline.tasks.after_merge import CheckMerges, Retest
    from pipeline.tasks.benchmark import Benchmark, MetaLoop, WarmUpTest
    from pipeline.tasks.calibrate import Calibrate, CalibrateCell
    from pipeline.tasks.iteration import (
        Assessment,
        CodeReview,
        Conclude,
        Implement,
        Insight,
        Iteration,
        Judgements,
        Prepare,
        Report,
        Runs,
        Scout,
        SinceStart,
        Synthesis,
        Verdict,
    )
    from pipeline.tasks.lab import Compare, ExampleLab, Ledger, RecordedLab, Replay, SplitPlans
    from pipeline.tasks.loop import GiveUp, Loop, PreparePull, Reveal, Revert
    from pipeline.tasks.noise_floor import NoiseFloor
    from pipeline.tasks.production import (
        Analyse,
        DailyReview,
        Deploy,
        Detect,
        Measure,
        Notify,
        Observe,
        TakeReplies,
        Trials,
    )
    from pipeline.tasks.promptops import Gate, Optimize, Propose, TryVariants
    from pipeline.tasks.runs import Run
    from pipeline.tasks.split_trial import TrySplit
    from pipeline.tasks.task_engine import Attempt, Campaign, RunTask

__all__ = [
    "Analyse",
    "Assessment",
    "Attempt",
    "Benchmark",
    "Calibrate",
    "CalibrateCell",
    "Campaign",
    "CheckMerges",
    "CodeReview",
    "Compare",
    "Conclude",
    "DailyReview",
    "Deploy",
    "Detect",
    "ExampleLab",
    "Gate",
    "GiveUp",
    "Implement",
    "Insight",
    "Iteration",
    "Judgements",
    "Ledger",
    "Loop",
    "Measure",
    "MetaLoop",
    "NoiseFloor",
    "Notify",
    "Observe",
    "Optimize",
    "Prepare",
    "PreparePull",
    "Propose",
    "RecordedLab",
    "Replay",
    "Report",
    "Retest",
    "Reveal",
    "Revert",
    "Run",
    "RunTask",
    "Runs",
    "Scout",
    "SinceStart",
    "SplitPlans",
    "Synthesis",
    "TakeReplies",
    "Trials",
    "TrySplit",
    "TryVariants",
    "Verdict",
    "WarmUpTest",
]
__getattr__ = find_lazily(
    globals(),
    {
        "pipeline.tasks.after_merge": "CheckMerges Retest",
        "pipeline.tasks.benchmark": "Benchmark MetaLoop WarmUpTest",
        "pipeline.tasks.calibrate": "Calibrate CalibrateCell",
        "pipeline.tasks.iteration": (
            "Assessment CodeReview Conclude Implement Insight Iteration Judgements Prepare "
            "Report Runs Scout SinceStart Synthesis Verdict"
        ),
        "pipeline.tasks.lab": "Compare ExampleLab Ledger RecordedLab Replay SplitPlans",
        "pipeline.tasks.loop": "GiveUp Loop PreparePull Reveal Revert",
        "pipeline.tasks.noise_floor": "NoiseFloor",
        "pipeline.tasks.production": (
            "Analyse DailyReview Deploy Detect Measure Notify Observe TakeReplies Trials"
        ),
        "pipeline.tasks.promptops": "Gate Optimize Propose TryVariants",
        "pipeline.tasks.runs": "Run",
        "pipeline.tasks.split_trial": "TrySplit",
        "pipeline.tasks.task_engine": "Attempt Campaign RunTask",
    },
)
if not _COMMAND.startswith("prompt-lab") and _COMMAND != "-m":
    # Luigi knows the tasks whose modules are imported. Our own commands name the module of theirs.
    # Its command imports the tasks that it is given; it would make options of all others.
    _named = [word for word in sys.argv[1:] if _COMMAND in _LUIGI and word in __all__]
    for _name in _named or __all__:
        __getattr__(_name)
if _COMMAND in _LUIGI:
    from pipeline.console import say_plainly

    # Luigi looks the task's name up before it calls anything of ours: there is no other way in.
    sys.excepthook = say_plainly

    from pipeline.cli.luigi_flags import check_flags, help_text

    if shown := help_text(sys.argv[1:]):
        from prompt_lab.report.terminal import write_output

        write_output(shown)
        sys.exit(0)
    check_flags(sys.argv[1:])
