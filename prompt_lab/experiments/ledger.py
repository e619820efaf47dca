"""Ledger: the pages of a lab, another tool's too, without running anything."""

from collections.abc import Sequence

from prompt_lab.errors import StoreError
from prompt_lab.experiments.budget_grant import budgets
from prompt_lab.experiments.budget_uses import irregular_trials
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.pages import ledger_entries, loop_rows
from prompt_lab.experiments.pareto import front_view
from prompt_lab.experiments.planexe_pages import foreign_page, foreign_view
from prompt_lab.experiments.promotion_rows import damaged_promotions, promotion_rows
from prompt_lab.names import count
from prompt_lab.report.index import render_index
from prompt_lab.report.irregular import render_irregular
from prompt_lab.report.planexe import render_foreign
from prompt_lab.report.view import OddFolder
from prompt_lab.store.files import write_text
from prompt_lab.store.kept import keep_other
from prompt_lab.store.planexe.analyses import Analysis, foreign_analyses, irregular_analyses
from prompt_lab.store.planexe.runs import Irregular, irregular_runs

SIGN = "Prompt Lab</title>"
"""What every page of ours says."""
HEADING = "# Irregular folders"


def write_ledger(ctx: LabContext) -> str:
    """The pages of the whole lab. Returns what a person reads. Raises StoreError without a lab."""
    lab = ctx.lab
    if not lab.root.is_dir():
        raise StoreError(
            f"{lab.root}: there is no lab. `make demo` makes one; PROMPTLAB_ROOT names another."
        )
    foreign = foreign_analyses(lab)
    _write_pages(ctx, foreign)
    analyses, runs = list(irregular_analyses(lab)), list(irregular_runs(lab))
    trials = list(irregular_trials(lab))
    odd = [_irregular_folder(one) for one in (*trials, *analyses, *runs)]
    odd += damaged_promotions(lab)
    irregular_file = lab.root / "irregular.md"
    if odd or irregular_file.exists():
        keep_other(irregular_file, sign=HEADING)
        write_text(irregular_file, render_irregular(odd))
    kept = keep_other(lab.index, sign=SIGN)
    write_text(lab.index, render_ledger(ctx, odd))
    entries = ledger_entries(ctx)
    lines = [f"{count(len(entries), 'iteration')}, {len(foreign)} of another tool: {lab.index}"]
    if odd:
        lines.append(
            f"{len(odd)} irregular folders ({len(trials) + len(analyses)} analyses,"
            f" {len(runs)} run folders):"
            f" {irregular_file}"
        )
    if kept is not None:
        lines.append(f"The index.html that was there is now {kept.name}.")
    return "\n".join(lines)


def render_ledger(ctx: LabContext, odd: Sequence[OddFolder] = ()) -> str:
    """index.html as the lab is now. Writes nothing."""
    entries = ledger_entries(ctx)
    return render_index(
        entries,
        budgets(ctx),
        irregular=odd,
        fronts=[front_view(ctx, step) for step in sorted({entry.step for entry in entries})],
        loops=loop_rows(ctx.lab),
        promotions=promotion_rows(ctx.lab),
        floors=sorted(page.stem for page in ctx.lab.noise_floor.glob("*.html")),
    )


def _write_pages(ctx: LabContext, foreign: Sequence[Analysis]) -> None:
    """One page for each analysis, with links to the one before and the one after."""
    pages = [foreign_page(ctx.lab, one.number, one.step) for one in foreign]
    names = ["", *(page.name for page in pages), ""]
    for at, (analysis, page) in enumerate(zip(foreign, pages, strict=True)):
        near = {"earlier": names[at], "later": names[at + 2]}
        view = foreign_view(ctx.lab, analysis).model_copy(update=near)
        keep_other(page, sign=SIGN)
        write_text(page, render_foreign(view))


def _irregular_folder(one: Irregular) -> OddFolder:
    return OddFolder(path=one.path, faults=one.faults)
