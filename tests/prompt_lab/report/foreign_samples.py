"""An analysis of another tool for the tests of its page."""

from prompt_lab.names import Outcome
from prompt_lab.report.planexe import ForeignFolder, ForeignRun, ForeignView
from prompt_lab.report.view import LedgerEntry, OddFolder

ERROR = "2 validation errors\nlevers.5.options\n  got 2 [type=value_error]"


def analysis() -> ForeignView:
    """Three models on three plans, one error, one plan missing, one irregular folder."""
    folders = []
    for n, model in enumerate(("small", "large-with-a-rather-long-name", "other")):
        runs = [_run(n, f"2026031{p}_plan_number_{p}", ok=(n, p) != (0, 1)) for p in range(3)]
        faults = ("the plans' outputs were not kept",) if n == 2 else ()
        folders.append(
            ForeignFolder(
                path=f"history/1/0{n}_step",
                model=model,
                runs=tuple(runs[: 3 - n // 2]),
                faults=faults,
            )
        )
    return ForeignView(
        number=7,
        step="find_levers",
        path="analysis/7_find_levers",
        title="fix: say what a lever is",
        pull=12,
        pull_url="https://example.org/o/r/pull/12",
        description="Say what a lever is.",
        outcome=Outcome.CONDITIONAL,
        why="Keep `this`, mend **that**.",
        created="2026-03-17T20:29:05Z",
        cost_usd=0.06,
        costed=5,
        folders=tuple(folders),
        documents={
            "a.md": "# A\n\ntext",
            "assessment.md": "## Verdict\n\n|a|b|\n|--|--|\n|1|2|",
        },
        faults=("no synthesis.md",),
        earlier="6_find_levers.html",
        later="8_find_levers.html",
    )


def empty() -> ForeignView:
    """An analysis that left nothing but its folder."""
    return ForeignView(number=0, step="s", path="analysis/0_s", faults=("no meta.json",))


def entries(count: int = 9) -> list[LedgerEntry]:
    """A ledger that another tool made."""
    return [
        LedgerEntry(
            iteration=n,
            step="find_levers",
            title="" if n == 3 else f"fix: change {n}",
            outcome=Outcome.YES if n % 2 else None,
            candidate=None if n == 4 else 0.9 + n / 100,
            ended=None if n == 4 else (30 + n % 5, 35),
            cost_usd=0.06 if n == 5 else None,
            created=f"2026-03-1{n}T10:00:00Z",
            report=f"pages/{n}_find_levers.html",
            foreign=True,
        )
        for n in range(count)
    ]


def odd() -> list[OddFolder]:
    """Three folders, two of them with the same faults."""
    faults = ("no outputs.jsonl", "no events.jsonl")
    return [
        OddFolder(path="analysis/0_find_levers", faults=("no assessment.md",)),
        OddFolder(path="history/0/01_find_levers", faults=faults),
        OddFolder(path="history/0/02_find_levers", faults=faults),
    ]


def _run(n: int, plan: str, *, ok: bool) -> ForeignRun:
    return ForeignRun(
        plan=plan,
        ok=ok,
        seconds=100.0 * n + 46,
        error="" if ok else ERROR,
        path=f"history/1/0{n}_step/outputs/{plan}",
    )
