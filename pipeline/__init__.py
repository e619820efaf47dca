"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

import sys

from pipeline.interrupt import end_plainly

# Before all other imports, which take a second or two.
sys.excepthook = end_plainly

from luigi.interface import core

from pipeline.console import find_settings, say_plainly
from pipeline.tasks.iteration import Iteration
from pipeline.tasks.run import Run
from prompt_lab.experiments.analysis import Assessment, CodeReview, Insight, Synthesis
from prompt_lab.experiments.calibrate import Calibrate, CalibrateCell
from prompt_lab.experiments.compare import Compare
from prompt_lab.experiments.conclude import Conclude, Report
from prompt_lab.experiments.example_lab import ExampleLab
from prompt_lab.experiments.give_up import GiveUp
from prompt_lab.experiments.implement import Implement
from prompt_lab.experiments.ledger import Ledger
from prompt_lab.experiments.llm_judge import Judgements
from prompt_lab.experiments.loop import Loop
from prompt_lab.experiments.noise_floor import NoiseFloor
from prompt_lab.experiments.prepare import Prepare
from prompt_lab.experiments.prepare_pull import PreparePull
from prompt_lab.experiments.recorded_lab import RecordedLab
from prompt_lab.experiments.replay import Replay
from prompt_lab.experiments.revert import Revert
from prompt_lab.experiments.runs import Runs
from prompt_lab.experiments.scout import Scout
from prompt_lab.experiments.since_start import SinceStart
from prompt_lab.experiments.verdict import Verdict
from prompt_lab.task_engine.run_campaign import Campaign
from prompt_lab.task_engine.run_task import Attempt, RunTask

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
