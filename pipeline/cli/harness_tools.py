"""The commands of the older harness, as scripts/ has them: arguments translated for Luigi."""

import argparse
import sys
from collections.abc import Sequence

from pipeline.cli.luigi_command import run_task
from pipeline.console import report_errors_plainly
from pipeline.tasks.benchmark import Benchmark, MetaLoop, WarmUpTest
from pipeline.wiring import lab_context
from prompt_lab.benchmark.cold_starts import WarmUpValidation
from prompt_lab.benchmark.enforce_routing import decide_route
from prompt_lab.benchmark.folders import WARM_UP, benchmarks_folder
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.routing_cycle import render_feedback, update_feedback, update_routing
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.names import Outcome
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole

REPEATS = 7
Words = Sequence[str] | None


def run_benchmark(words: Words = None) -> int:
    """MODEL SUITE PHASE [--enable-warmup] [--force-model]: Benchmark, once. Exit code."""
    parser = _parser("run_benchmark.py", "model", "suite", "phase")
    parser.add_argument("--enable-warmup", action="store_true")
    parser.add_argument("--force-model", action="store_true")
    given = parser.parse_args(words)
    flags = [f"--phase={given.phase}", "--repeats=1"]
    flags += ["--force-model"] if given.force_model else []
    return _benchmark(given, flags)


def supervise(words: Words = None) -> int:
    """MODEL SUITE [--enable-warmup]: Benchmark with 7 repeats. Exit code."""
    parser = _parser("benchmark_supervisor.py", "model", "suite")
    parser.add_argument("--enable-warmup", action="store_true")
    return _benchmark(parser.parse_args(words), [f"--repeats={REPEATS}"])


def _benchmark(given: argparse.Namespace, flags: list[str]) -> int:
    report_errors_plainly()
    flags += ["--enable-warmup"] if given.enable_warmup else []
    return run_task(Benchmark, [f"--model={given.model}", f"--suite={given.suite}", *flags])


def give_feedback(words: Words = None) -> int:
    """Write harness_feedback.json. Exit code."""
    _parser("harness_feedback_loop.py").parse_args(words)
    report_errors_plainly()
    context = lab_context()
    say(render_feedback(update_feedback(context), read_routing(context.lab)))
    return 0


def enforce_routing(words: Words = None) -> int:
    """Write harness_feedback.json and routing_config.json. Exit code."""
    _parser("routing_enforcer.py").parse_args(words)
    report_errors_plainly()
    context = lab_context()
    feedback = update_feedback(context)
    say(render_feedback(feedback, update_routing(context, feedback)))
    return 0


def run_meta_loop(words: Words = None) -> int:
    """--cycles N --baseline "MODEL SUITE PHASE" [--report]: MetaLoop. Exit code."""
    parser = _parser("meta_harness_loop.py")
    parser.add_argument("--cycles", default="1")
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--report", action="store_true", help="print the report afterwards")
    given = parser.parse_args(words)
    report_errors_plainly()
    code = run_task(MetaLoop, [f"--cycles={given.cycles}", f"--baseline={given.baseline}"])
    path = benchmarks_folder(lab_context().lab) / "cycles" / "SELF_OPTIMIZING_REPORT.md"
    if given.report and path.exists():
        say(path.read_text("utf-8"))
    return code


def check_warm_up(words: Words = None) -> int:
    """MODEL SUITE: the warm-up on cold starts; PASS where the engine says YES. Exit code."""
    given = _parser("warm_up_test.py", "model", "suite").parse_args(words)
    report_errors_plainly()
    code = run_task(WarmUpTest, [f"--model={given.model}", f"--suite={given.suite}"])
    root = benchmarks_folder(lab_context().lab)
    paths = sorted(root.glob(f"*_warm_up_{given.suite}/{WARM_UP}"), key=lambda p: p.stat().st_mtime)
    found = read_if_whole(paths[-1], WarmUpValidation) if code == 0 and paths else None
    return _report(found is not None and found.outcome is Outcome.YES, "the warm-up helps")


def check_routing(words: Words = None) -> int:
    """MODEL PHASE: PASS where the model, or a fallback, may do the phase. Exit code."""
    given = _parser("routing_test.py", "model", "phase").parse_args(words)
    report_errors_plainly()
    routing = read_routing(lab_context().lab, read_harness_config(lab_context()).routing)
    decision = decide_route(given.model, given.phase, routing)
    say(f"{decision.decision}: {decision.reason}")
    return _report(decision.model != "", "a model does the phase")


def check_extended(words: Words = None) -> int:
    """MODEL: run the extended suite against its gate; PASS where the model is allowed. Exit code.

    The run is forced, so that a block by an older benchmark is measured again.
    """
    given = _parser("extended_suite_safety_test.py", "model").parse_args(words)
    report_errors_plainly()
    code = run_task(Benchmark, [f"--model={given.model}", "--suite=extended", "--force-model"])
    rule = read_routing(lab_context().lab).find(given.model, "extended")
    return _report(code == 0 and rule is not None and rule.allow, "the model does this phase")


def _report(passed: bool, what: str) -> int:
    say(f"{'PASS' if passed else 'FAIL'}: {what}" + ("" if passed else " is not shown"))
    return 0 if passed else 1


def _parser(name: str, *arguments: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(name, description=sys.modules[__name__].__doc__)
    for argument in arguments:
        parser.add_argument(argument)
    return parser
