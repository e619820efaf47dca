"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

import sys
from pathlib import Path

if Path(sys.argv[0]).name in ("luigi", "luigi.exe"):
    # Luigi's own command: its terminal gets one plain line for Ctrl-C and for our own errors.
    # This comes before all other imports, which take a second or two.
    from pipeline.interrupt import end_plainly, handle_interrupts

    sys.excepthook = end_plainly
    handle_interrupts()

from luigi.interface import core

from pipeline.settings import find_settings
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
from pipeline.tasks.runs import Run
from pipeline.tasks.task_engine import Attempt, Campaign, RunTask

# luigi's client reads these from [core], where luigi itself takes them for mistakes.
core.ignore_unconsumed |= {"rpc_retry_attempts", "rpc_retry_wait", "rpc_log_retries"}
find_settings()
if Path(sys.argv[0]).name in ("luigi", "luigi.exe"):
    from pipeline.console import say_plainly

    # Luigi looks the task's name up before it calls anything of ours: there is no other way in.
    sys.excepthook = say_plainly

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
    "Prepare",
    "PreparePull",
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
    "Verdict",
    "WarmUpTest",
]
