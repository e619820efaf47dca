"""The run folder that the runner writes into: a new one of the lab, or the one that is named."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from prompt_lab.clock import utc_now
from prompt_lab.config.model_keys import describe_model
from prompt_lab.errors import LabBusy, StoreError
from prompt_lab.evaluate.answers import text_sha256
from prompt_lab.experiments.batches import adapter_digest, head_of_meta, settings_text
from prompt_lab.experiments.execute import Checkout
from prompt_lab.experiments.gather import version_of
from prompt_lab.experiments.preflight import check_version
from prompt_lab.experiments.sources import sources_of
from prompt_lab.names import Side
from prompt_lab.records import Record
from prompt_lab.runner.order import Flags, RunnerOrder
from prompt_lab.store.counters import claim_run_folder
from prompt_lab.store.files import disk_errors, read_record
from prompt_lab.store.layout import NO_ITERATION, LabLock
from prompt_lab.store.runs import write_meta

BATCH = "runner"
OUTPUTS = "outputs"
META = "meta.json"
LOCK = ".lock"
_OTHER = "Give another --output-dir"


class Begun(Record):
    """What meta.json of a run folder must agree on with an order, to be gone on with."""

    step: str
    model: dict[str, Any]
    commit: str
    config_sha256: str
    batch: str


class RunFolder:
    """A run folder, which no other runner writes into as long as this process lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(folder)
        self._lock = LabLock(folder / LOCK)
        if not self._lock.acquire(shared=False):
            raise LabBusy(f"{folder}: another runner is at work in it. Wait, or {_OTHER.lower()}.")
        self.begun = self._read()

    def _read(self) -> Begun | None:
        path = self.folder / META
        if path.exists():
            return read_record(path, Begun, fix=f"It is no run folder of this command. {_OTHER}")
        return None


def _refuse_foreign(folder: Path) -> None:
    """A folder without meta.json may hold what a run leaves before it, and no file of others."""
    if (folder / META).exists():
        return
    outputs = folder / OUTPUTS
    names = sorted(path.name for path in folder.iterdir())
    strange = [n for n in names if n not in (OUTPUTS, LOCK) and not n.startswith(f".{META}.")]
    if not strange and outputs.is_dir() and any(outputs.iterdir()):
        strange = [OUTPUTS]
    if strange:
        more = ", …" if len(strange) > 3 else ""
        raise StoreError(
            f"{folder}: is no run folder and holds files of something else "
            f"({', '.join(map(repr, strange[:3]))}{more}). {_OTHER}, a new or an empty one."
        )


def named_place(flags: Flags) -> RunFolder | None:
    """The folder of --output-dir; None where the lab's next one is to be claimed.

    As the original takes it, an --output-dir named 'outputs' is that of its parent.
    """
    if flags.output_dir is None:
        return None
    folder = flags.output_dir.absolute()
    return RunFolder(folder.parent if folder.name == OUTPUTS else folder)


def hide_from_git(order: RunnerOrder, named: RunFolder | None) -> None:
    """Keep the clone in the lab's work/, and the locks, out of the user's `git status`."""
    lab = order.ctx.lab
    with disk_errors(lab.root):
        lab.root.mkdir(parents=True, exist_ok=True)
    order.ctx.load_adapter("git", "exclude")(lab.root)
    if named is not None and lab.history.resolve() not in named.folder.resolve().parents:
        order.ctx.load_adapter("git", "exclude_paths")(named.folder, (LOCK,))


def next_place(order: RunnerOrder) -> RunFolder:
    """The lab's next run folder, claimed."""
    return RunFolder(claim_run_folder(order.ctx.lab, order.step)[1].absolute())


def site_of(flags: Flags, order: RunnerOrder, begun: Begun | None) -> tuple[Side, Checkout]:
    """The worktree: at --commit, at the commit of the run folder, or at the target's main branch.

    Raises TargetError for a commit that is not there, or whose prompt lacks its input.
    """
    target = order.ctx.step(order.step).target
    workspace = order.ctx.workspace(target)
    main = workspace.resolve(order.ctx.target(target).main)
    commit = workspace.resolve(flags.commit or (begun.commit if begun else main))
    check_version(order.ctx, order.step, commit)
    tree = workspace.put_back(commit)
    workspace.check_worktree(commit, sources_of(order.ctx, order.step, commit))
    side = Side.BASELINE if commit == main else Side.CANDIDATE
    return side, Checkout(commit, tree, *workspace.observe(tree))


def begin(order: RunnerOrder, place: RunFolder, side: Side, site: Checkout) -> None:
    """Write meta.json, or see that what it says is what is asked for. Raises StoreError."""
    meta = _meta(order, side, site)
    if place.begun is None:
        write_meta(place.folder, meta)
        return
    before = place.begun.model_dump()
    for key in ("step", "model", "commit", "config_sha256"):
        if before[key] != meta[key]:
            raise StoreError(
                f"{place.folder / META}: its runs were begun with {key}"
                f" {_format_value(before[key])}, not "
                f"{_format_value(meta[key])}. {_OTHER}, or ask for the same."
            )


def _format_value(value: object) -> str:
    if isinstance(value, Mapping):
        names = [value.get("primary"), *value.get("fallbacks", [])]
        return " then ".join(map(repr, names))
    return repr(value)


def _meta(order: RunnerOrder, side: Side, site: Checkout) -> dict[str, Any]:
    ctx, models = order.ctx, [order.ctx.models[alias] for alias in order.models]
    version = version_of(ctx, order.step, site.commit)
    configs = [describe_model(model, without=["workers"]) for model in models]
    return {
        **head_of_meta(order.step, order.models, order.workers),
        "iteration": NO_ITERATION,
        "batch": BATCH,
        "split": order.split.value,
        "side": side.value,
        "replicate": 0,
        "commit": site.commit,
        "tree_clean": site.tree_clean,
        "prompt_sha256": (prompt := text_sha256(version.text)),
        "system_prompt_sha256": prompt,  # the original's name for it
        "config_sha256": sha256(f"{_settings(order)}{configs}".encode()).hexdigest(),
        "limit_seconds": order.seconds,
        "model_config": configs[0],
        "fallback_configs": configs[1:],
        "claimed": utc_now(),
    }


def _settings(order: RunnerOrder) -> str:
    step, adapter = order.ctx.step(order.step), order.ctx.adapter(order.step)
    target, gateway = order.ctx.target(step.target), order.ctx.defaults.gateway
    return adapter_digest(adapter, settings_text(step) + adapter.digest_text(target, gateway))
