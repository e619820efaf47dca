"""The commands of the older harness, as scripts/ has them: arguments translated for Luigi."""

import argparse
import sys
from collections.abc import Sequence

from pipeline.cli.luigi_command import run_task
from pipeline.console import report_errors_plainly
from pipeline.tasks.benchmark import Benchmark, MetaLoop, WarmUpTest
from pipeline.wiring import lab_context
from prompt_lab.benchmark.cold_starts import WarmUpValidation
from prompt_lab.benchmark.enforce_routing import validate_model_phase_compatibility
from prompt_lab.benchmark.folders import WARM_UP, benchmarks_folder, read_all_results
from prompt_lab.benchmark.harness_config import read_harness_config
from prompt_lab.benchmark.harness_lock import hold_harness
from prompt_lab.benchmark.open_benchmark import read_suite
from prompt_lab.benchmark.routing_cycle import render_feedback, update_feedback, update_routing
from prompt_lab.benchmark.routing_rules import read_routing
from prompt_lab.clock import utc_now
from prompt_lab.names import Outcome
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole

REPEATS = 7
ATOMIC, EXTENDED = "atomic", "extended"
"""The shipped suites that the checks ask where no other is named."""
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
    with hold_harness(context.lab, "routing_enforcer.py", now=utc_now()):
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
    """[MODEL [SUITE]]: the warm-up on cold starts; PASS where the engine says YES. Exit code."""
    given = _check_parser("warm_up_test.py", suite=ATOMIC).parse_args(words)
    report_errors_plainly()
    model = given.model or _first_model(given.suite)
    code = run_task(WarmUpTest, [f"--model={model}", f"--suite={given.suite}"])
    root = benchmarks_folder(lab_context().lab)
    paths = sorted(root.glob(f"*_warm_up_{given.suite}/{WARM_UP}"), key=lambda p: p.stat().st_mtime)
    found = read_if_whole(paths[-1], WarmUpValidation) if code == 0 and paths else None
    passed = found is not None and found.outcome is Outcome.YES
    return _report(passed, f"a warm-up helps {model} on {given.suite}", code)


def check_routing(words: Words = None) -> int:
    """[MODEL [SUITE]]: ask the suite once, and see that the table was obeyed. Exit code.

    PASS where every model that answered may do the phase, and a model that may not was replaced
    or blocked. A table without a rule for the model passes only if the model ran itself.
    """
    given = _check_parser("routing_test.py", suite=EXTENDED).parse_args(words)
    report_errors_plainly()
    context = lab_context()
    asked = given.model or _first_model(given.suite)
    [model] = context.select_models([asked])
    table = read_routing(context.lab, read_harness_config(context).routing)
    known = len(read_all_results(context.lab))
    flags = [f"--model={model.alias}", f"--suite={given.suite}", "--repeats=1"]
    code = run_task(Benchmark, flags)
    made = read_all_results(context.lab)[known:]
    if not made:
        return _report(False, f"routing of {model.alias} on {given.suite} is enforced", code)
    result = made[-1]
    ran = [row.model for row in result.models]
    allowed = validate_model_phase_compatibility(model.alias, result.phase, table).allow
    obeyed = ran == [model.alias] if allowed else model.alias not in ran
    others = [
        name
        for name in ran
        if not validate_model_phase_compatibility(name, result.phase, table).allow
    ]
    what = f"{model.alias} {'may' if allowed else 'may not'} do the {result.phase} phase"
    return _report(obeyed and not others, f"{what}, and {', '.join(ran) or 'no model'} ran", code)


def check_extended(words: Words = None) -> int:
    """[MODEL [SUITE]]: the extended suite against its gate; PASS where the model may do it.

    The run is forced, so that a block by an older benchmark is measured again. Exit code.
    """
    given = _check_parser("extended_suite_safety_test.py", suite=EXTENDED).parse_args(words)
    report_errors_plainly()
    context = lab_context()
    [model] = context.select_models([given.model or _first_model(given.suite)])
    flags = [f"--model={model.alias}", f"--suite={given.suite}", "--force-model"]
    code = run_task(Benchmark, flags)
    phase = read_suite(context, given.suite).phase
    rule = read_routing(context.lab).find(model.alias, phase)
    if code == 0 and rule is not None:
        say(rule.reason)
    passed = code == 0 and rule is not None and rule.allow
    return _report(passed, f"{model.alias} is safe on the {phase} phase", code)


def _first_model(suite: str) -> str:
    """The suite's first model, else the lab's."""
    context = lab_context()
    return (read_suite(context, suite).models or context.defaults.models)[0]


def _check_parser(name: str, suite: str) -> argparse.ArgumentParser:
    parser = _parser(name)
    parser.add_argument("model", nargs="?", default="", help="default: the suite's first model")
    parser.add_argument("suite", nargs="?", default=suite, help=f"default: {suite}")
    return parser


def _report(passed: bool, what: str, code: int = 0) -> int:
    """Print PASS or FAIL with what was measured. A command that failed measured nothing."""
    if code:
        say(f"FAIL: nothing was measured, since the command ended with exit code {code}")
        return code
    say(f"{'PASS' if passed else 'FAIL'}: {what}" + ("" if passed else ": not shown"))
    return 0 if passed else 1


def _parser(name: str, *arguments: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(name, description=sys.modules[__name__].__doc__)
    for argument in arguments:
        parser.add_argument(argument)
    return parser
