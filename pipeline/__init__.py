"""The DAG of Prompt Lab. `luigi --module pipeline <Task>` runs any of these."""

from pipeline.analysis import Assessment, CodeReview, Insight, Synthesis
from pipeline.calibrate import Calibrate, CalibrateCell
from pipeline.conclude import Conclude, Report
from pipeline.example import ExampleLab
from pipeline.implement import Implement
from pipeline.iteration import Iteration
from pipeline.noise_floor import NoiseFloor
from pipeline.prepare import Prepare
from pipeline.replay import Replay
from pipeline.run import Run
from pipeline.runs import Runs
from pipeline.scout import Scout
from pipeline.verdict import Verdict

__all__ = [
    "Assessment",
    "Calibrate",
    "CalibrateCell",
    "CodeReview",
    "Conclude",
    "ExampleLab",
    "Implement",
    "Insight",
    "Iteration",
    "NoiseFloor",
    "Prepare",
    "Replay",
    "Report",
    "Run",
    "Runs",
    "Scout",
    "Synthesis",
    "Verdict",
]
