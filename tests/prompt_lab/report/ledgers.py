"""Ledgers for the tests of the index: a lab of today, and one from before it."""

from prompt_lab.names import Outcome
from prompt_lab.report.view import LedgerEntry


def ledger() -> list[LedgerEntry]:
    """Twelve iterations of two steps, some merged, one reverted, one open."""
    outcomes = (Outcome.YES, Outcome.NO, Outcome.INVALID, Outcome.YES, Outcome.CONDITIONAL, None)
    found, level = [], 0.31
    for number in range(12):
        outcome, gain = outcomes[number % 6], (0.11, -0.04, 0.0, 0.07, 0.05, 0.02)[number % 6]
        known = outcome not in (None, Outcome.INVALID)
        found.append(
            LedgerEntry(
                iteration=number,
                step="classify_ticket" if number in (4, 9) else "extract_invoice",
                title=f"Change number {number}: say what the amount is",
                strategy=("align_schema", "worked_examples", "compress")[number % 3],
                pull=number + 1,
                pull_url=f"https://example.org/pull/{number + 1}",
                outcome=outcome,
                why="Better by +11.0 points over 20 plans." if outcome is Outcome.YES else "",
                effect=gain if known else None,
                low=gain - 0.06 if known else None,
                high=gain + 0.06 if known else None,
                baseline=level if known else None,
                candidate=level + gain if known else None,
                merged=outcome is Outcome.YES,
                reverted_in=9 if number == 6 else None,
                cost_usd=0.0031 * (number + 1),
                created=f"2026-03-{number + 1:02d}T10:00:00Z",
                report=f"analysis/{number}_extract_invoice/report.html" if known else "",
            )
        )
        level += gain if outcome is Outcome.YES else 0.0
    return found


def old_ledger(count: int = 53) -> list[LedgerEntry]:
    """A lab from before: numbers, PRs, and a verdict here and there."""
    return [
        LedgerEntry(
            iteration=number,
            step="identify_potential_levers" if number < 42 else "deduplicate_levers",
            title=f"fix: older change {number}" if number > 6 else "",
            pull=260 + number if number > 6 else None,
            pull_url=f"https://example.org/pull/{260 + number}" if number > 6 else "",
            outcome=(Outcome.YES, None, Outcome.NO, Outcome.YES)[number % 4],
        )
        for number in range(count)
    ]
