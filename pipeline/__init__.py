"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

import sys

from pipeline.interrupt import end_plainly

# Before all other imports, which take a second or two.
sys.excepthook = end_plainly

from luigi.interface import core

from pipeline.analysis import Assessment, CodeReview, Insight, Synthesis
from pipeline.calibrate import Calibrate, CalibrateCell
from pipeline.campaign import Campaign
from pipeline.compare import Compare
from pipeline.conclude import Conclude, Report
from pipeline.example import ExampleLab
from pipeline.implement import Implement
from pipeline.iteration import Iteration
from pipeline.judging import Judgements
from pipeline.ledger import Ledger
from pipeline.logs import find_settings, say_plainly
from pipeline.loop import Loop
from pipeline.noise_floor import NoiseFloor
from pipeline.prepare import Prepare
from pipeline.prepare_pull import PreparePull
from pipeline.recorded import RecordedLab
from pipeline.replay import Replay
from pipeline.revert import Revert
from pipeline.run import Run
from pipeline.runs import Runs
from pipeline.scout import Scout
from pipeline.since_start import SinceStart
from pipeline.task import Attempt, RunTask
from pipeline.verdict import Verdict

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
