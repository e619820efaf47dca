"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

import sys

from pipeline.interrupt import end_plainly

# Before all other imports, which take a second or two.
sys.excepthook = end_plainly

from luigi.interface import core

from pipeline.analysis.analysis import Assessment, CodeReview, Insight, Synthesis
from pipeline.change.implement import Implement
from pipeline.change.prepare import Prepare
from pipeline.change.scout import Scout
from pipeline.decide.calibrate import Calibrate, CalibrateCell
from pipeline.decide.conclude import Conclude, Report
from pipeline.decide.replay import Replay
from pipeline.decide.since_start import SinceStart
from pipeline.decide.verdict import Verdict
from pipeline.fan_out.run import Run
from pipeline.iteration.iteration import Iteration
from pipeline.labs.example import ExampleLab
from pipeline.labs.recorded import RecordedLab
from pipeline.logs import find_settings, say_plainly
from pipeline.loop.give_up import GiveUp
from pipeline.loop.loop import Loop
from pipeline.loop.prepare_pull import PreparePull
from pipeline.loop.revert import Revert
from pipeline.pages.compare import Compare
from pipeline.pages.ledger import Ledger
from pipeline.task.campaign import Campaign
from pipeline.task.run_task import Attempt, RunTask
from pipeline.trial.judging import Judgements
from pipeline.trial.noise_floor import NoiseFloor
from pipeline.trial.runs import Runs

# luigi's client reads these from [core], where luigi itself takes them for mistakes.
core.ignore_unconsumed |= {"rpc_retry_attempts", "rpc_retry_wait", "rpc_log_retries"}
# luigi looks the task's name up before it calls anything of ours: there is no other way in.
sys.excepthook = say_plainly
find_settings()

__all__ = [
    "Assessment",
    "Attempt",
    "Calibrate",
    "CalibrateCell",
    "Campaign",
    "CodeReview",
    "Compare",
    "Conclude",
    "ExampleLab",
    "GiveUp",
    "Implement",
    "Insight",
    "Iteration",
    "Judgements",
    "Ledger",
    "Loop",
    "NoiseFloor",
    "Prepare",
    "PreparePull",
    "RecordedLab",
    "Replay",
    "Report",
    "Revert",
    "Run",
    "RunTask",
    "Runs",
    "Scout",
    "SinceStart",
    "Synthesis",
    "Verdict",
]
