"""Split: divide a data set that is given whole into train plans and sealed verify plans."""

from collections.abc import Mapping
from pathlib import Path

from prompt_lab.errors import StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.example_lab import copy_in
from prompt_lab.names import Split, count
from prompt_lab.store.files import disk_errors
from prompt_lab.store.plan_sample import split_plans

PARTS = 3
"""Groups by size: short, medium and long plans get the same share of both splits."""


def split_data_set(context: LabContext, source: Path, seed: int) -> str:
    """Copy each folder of `source` into baseline/train or baseline/verify of the lab.

    A quarter is train, at least 10 and at most half, with equal shares of short and long plans and
    of plans with different files. Plans that are there already are never copied to the other split,
    so the command may be repeated. Returns a summary. Raises StoreError.
    """
    lab = context.lab
    with disk_errors(source):
        names = sorted(p.name for p in source.iterdir() if p.is_dir()) if source.is_dir() else []
    if not names:
        raise StoreError(f"{source}: holds no plans: give a folder with one folder for each input")
    parts = split_plans(_strata(source, names), seed)
    for split, other in ((Split.TRAIN, Split.VERIFY), (Split.VERIFY, Split.TRAIN)):
        crossed = [name for name in parts[split] if (lab.plans(other) / name).exists()]
        if crossed:
            raise StoreError(
                f"{lab.plans(other) / crossed[0]}: is there already, and this split would put it"
                f" into {split}: remove it from one, or name another lab with PROMPTLAB_ROOT"
            )
    for split, chosen in parts.items():
        with disk_errors(lab.plans(split)):
            lab.plans(split).mkdir(parents=True, exist_ok=True)
            for name in chosen:
                copy_in(context, source / name, lab.plans(split) / name)
    sizes = ", ".join(f"{count(len(parts[split]), f'{split} plan')}" for split in Split)
    return f"{source}: {sizes}, by seed {seed}: {lab.plans(Split.TRAIN).parent}"


def _strata(source: Path, names: list[str]) -> dict[str, str]:
    with disk_errors(source):
        files = {n: sorted(p for p in (source / n).rglob("*") if p.is_file()) for n in names}
        sizes = {n: sum(path.stat().st_size for path in files[n]) for n in names}
    kinds = {n: " ".join(str(p.relative_to(source / n)) for p in files[n]) for n in names}
    return group_plans(kinds, sizes)


def group_plans(kinds: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, str]:
    """Plan -> the names of its files, and whether it is short, medium or long among those."""
    found: dict[str, str] = {}
    for kind in set(kinds.values()):
        same = sorted((n for n in kinds if kinds[n] == kind), key=lambda n: (sizes[n], n))
        found |= {name: f"{kind} {at * PARTS // len(same)}" for at, name in enumerate(same)}
    return found
