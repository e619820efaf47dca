"""`prompt-lab prompts`: import, list, show, diff, blame, promote, force, roll back, verify."""

import getpass
import sys
import time
from difflib import unified_diff
from functools import partial
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from pipeline.wiring import lab_context
from prompt_lab.clock import utc_now
from prompt_lab.errors import StoreError, UnknownName, UsageError
from prompt_lab.prompts.files import decode_text
from prompt_lab.prompts.manifest import PromptManifest
from prompt_lab.prompts.snapshots import PRODUCTION, Actor, ActorKind, PromotionRecord
from prompt_lab.report.terminal import say
from prompt_lab.store.files import disk_errors, read_record
from prompt_lab.store.prompt_blame import blame_lines
from prompt_lab.store.prompt_files import POINTER
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_reader import Prompts
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import find_trial_verdict, open_registry
from prompt_lab.store.prompt_verify import verify_registry

prompts_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The lab's prompt registry: versions, snapshots, promotions.",
)
PromptName = Annotated[str, typer.Argument(help="id of a prompt")]
TextFile = Annotated[Path, typer.Argument(help="file with the new text")]
Reason = Annotated[str, typer.Option(help="why, for the journal")]


@prompts_app.command("import")
def import_folder(
    folder: Annotated[Path, typer.Argument(help="a folder of <prompt id>.txt")],
    reason: Reason = "import",
) -> None:
    """Add a folder's *.txt, without verdicts; <prompt id>.json beside one is its manifest.

    The first import makes the first snapshot. A prompt that is there already is never replaced.
    """
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise UsageError(f"{folder}: has no *.txt file. Name the folder that holds the prompts.")
    texts = {path.stem: _read_text(path) for path in paths}
    found = {path.stem: path.with_suffix(".json") for path in paths}
    fix = "Fix the manifest, or remove it to have one proposed"
    manifests = {
        name: read_record(path, PromptManifest, fix=fix)
        for name, path in found.items()
        if path.exists()
    }
    if names := [name for name, manifest in manifests.items() if manifest.id != name]:
        raise UsageError(f"{found[names[0]]}: id: {manifests[names[0]].id!r} is not {names[0]!r}.")
    say(_describe(_open_registry().import_texts(texts, manifests, _sign(reason))))


@prompts_app.command("list")
def list_prompts() -> None:
    """Print each prompt's id, current version and length."""
    registry = _open_registry()
    snapshot_id, snapshot = registry.read_current()
    say(f"snapshot {snapshot_id[:12]}")
    pointer = registry.files.read_pointer()
    for label, pinned in sorted(pointer.labels.items() if pointer else ()):
        say(f"label {label}: snapshot {pinned[:12]}")
    for name, digest in sorted(snapshot.prompts.items()):
        say(f"{name}  {digest[:12]}  {len(registry.files.read_version(digest)):,} characters")


@prompts_app.command("show")
def show_prompt(
    prompt: PromptName,
    snapshot: Annotated[str, typer.Option(help="of this snapshot instead of the current one")] = "",
) -> None:
    """Print the text of a prompt."""
    registry = _open_registry()
    if not snapshot:
        say(registry.read_text(prompt))
        return
    snapshot_id = _find_snapshot(registry, snapshot)
    prompts = registry.files.read_snapshot(snapshot_id).prompts
    if prompt not in prompts:
        raise UnknownName("prompt", prompt, prompts, f"snapshot {snapshot_id[:12]}")
    say(registry.files.read_version(prompts[prompt]))


@prompts_app.command("watch")
def watch_prompt(
    prompt: PromptName,
    label: Annotated[str, typer.Option(help="which label")] = PRODUCTION,
    changes: Annotated[int, typer.Option(help="end after so many changes; 0: at Ctrl-C")] = 0,
) -> None:
    """Print what a reader of the registry is served, each time that it changes."""
    root, changed = lab_context().lab.root, Event()
    reader = Prompts(root, on_change=changed.set)
    answer, seen = reader.get(prompt, label), 0
    say(f"{utc_now()}  snapshot {answer.snapshot[:12]}  version {answer.version[:12]}")
    while not changes or seen < changes:
        changed.wait()
        changed.clear()
        before, answer = answer, reader.get(prompt, label)
        if answer == before:
            continue
        seen += 1
        late = time.time() - (root / "prompts" / POINTER).stat().st_mtime
        stale = f"  stale since {answer.stale_since}" if answer.stale_since else ""
        say(
            f"{utc_now()}  snapshot {answer.snapshot[:12]}  version {answer.version[:12]}"
            f"  {late:.2f} s after the pointer moved{stale}"
        )
    reader.close()


@prompts_app.command("history")
def show_history() -> None:
    """Print the journal: every import, promotion and rollback."""
    for row in _open_registry().files.read_journal():
        say(_describe(row))


@prompts_app.command("diff")
def diff_prompt(
    prompt: PromptName,
    old: Annotated[str, typer.Argument(help="a snapshot, or the beginning of its id")],
    new: Annotated[str, typer.Argument(help="another; default: the current one")] = "",
) -> None:
    """Print what changed in a prompt between two snapshots."""
    registry = _open_registry()
    new_id = _find_snapshot(registry, new) if new else registry.read_current()[0]
    old_id = _find_snapshot(registry, old)
    before, after = (_text_at(registry, one, prompt).split("\n") for one in (old_id, new_id))
    names = (f"{prompt}@{old_id[:12]}", f"{prompt}@{new_id[:12]}")
    say("\n".join(unified_diff(before, after, *names, lineterm="")))


@prompts_app.command("blame")
def blame_prompt(prompt: PromptName) -> None:
    """Print each line with the promotion and the verdict that put it there."""
    for line, row in blame_lines(_open_registry().files, prompt):
        source = row.verdicts.get(prompt) or row.kind.value.upper()
        say(f"{row.sequence:>4} {source:<16} {line}")


@prompts_app.command("check")
def check_text(prompt: PromptName, text: TextFile) -> None:
    """Print what the guard says of a text; exit code 1 where it refuses."""
    refusals = _open_registry().guard(prompt, _read_text(text))
    for one in refusals:
        say(f"{one.code.value}: {one.text}")
    if refusals:
        raise typer.Exit(1)
    say("passes")


@prompts_app.command("promote")
def promote_text(
    prompt: PromptName,
    text: TextFile,
    verdict: Annotated[str, typer.Option(help="id of a YES verdict for exactly this text")] = "",
    reason: Reason = "",
) -> None:
    """Make a text current that has a YES verdict."""
    given = {prompt: verdict} if verdict else {}
    row = _open_registry().promote({prompt: _read_text(text)}, given, _sign(reason))
    say(_describe(row))


@prompts_app.command("force")
def force_text(
    prompt: PromptName,
    text: TextFile,
    reason: Annotated[str, typer.Option(help="why there is no verdict")],
) -> None:
    """Make a text current without a verdict. It asks to type the prompt's id, at a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("Only a person at a terminal may force a promotion.")
    typed = typer.prompt(f"No verdict covers this text. Type {prompt!r} to force it")
    if typed != prompt:
        raise UsageError(f"{typed!r} is not {prompt!r}: nothing was changed.")
    say(_describe(_open_registry().force(prompt, _read_text(text), _sign(reason))))


@prompts_app.command("rollback")
def roll_back(
    snapshot: Annotated[str, typer.Argument(help="a snapshot that was once current")],
    reason: Annotated[str, typer.Option(help="why")],
) -> None:
    """Make an earlier snapshot current again."""
    registry = _open_registry()
    say(_describe(registry.roll_back(_find_snapshot(registry, snapshot), _sign(reason))))


@prompts_app.command("label")
def set_label(
    label: Annotated[str, typer.Argument(help="such as staging; 'production' is the pointer")],
    snapshot: Annotated[str, typer.Argument(help="a snapshot that was once current")] = "",
    reason: Annotated[str, typer.Option(help="why")] = "",
) -> None:
    """Pin a label to a snapshot; without a snapshot the label is removed."""
    registry = _open_registry()
    snapshot_id = _find_snapshot(registry, snapshot) if snapshot else ""
    say(_describe(registry.set_label(label, snapshot_id, _sign(reason))))


@prompts_app.command("verify")
def verify_chain() -> None:
    """Check journal, pointer, snapshots, versions and verdicts; exit code 1 for a fault."""
    lab, registry = lab_context().lab, _open_registry()
    faults = verify_registry(registry.files, partial(find_trial_verdict, lab))
    for fault in faults:
        say(fault)
    if faults:
        raise typer.Exit(1)
    say(f"{len(registry.files.read_journal())} rows verified")


def _open_registry() -> PromptRegistry:
    return open_registry(lab_context().lab)


def _sign(reason: str) -> PromotionReason:
    return PromotionReason(Actor(name=getpass.getuser(), kind=ActorKind.PERSON), reason, utc_now())


def _read_text(path: Path) -> str:
    with disk_errors(path):
        content = path.read_bytes()
    try:
        return decode_text(content)
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from error


def _find_snapshot(registry: PromptRegistry, start: str) -> str:
    ids = {row.to_snapshot for row in registry.files.read_journal() if row.to_snapshot}
    found = [one for one in ids if start and one.startswith(start)]
    if len(found) != 1:
        raise UsageError(
            f"{start!r} names {len(found)} snapshots. `prompt-lab prompts history` lists them."
        )
    return found[0]


def _text_at(registry: PromptRegistry, snapshot_id: str, prompt: str) -> str:
    digest = registry.files.read_snapshot(snapshot_id).prompts.get(prompt)
    return registry.files.read_version(digest) if digest else ""


def _describe(row: PromotionRecord) -> str:
    basis = ", ".join(f"{name}: {verdict}" for name, verdict in row.verdicts.items())
    forced = f"FORCED {', '.join(row.forced)}" if row.forced else ""
    move = row.git
    where = f"{move.target} {move.branch} {move.after[:12]}" if move else row.to_snapshot[:12]
    facts = (row.kind.value, where, forced or basis, row.actor.name, row.reason)
    return f"{row.sequence:>4}  {row.when}  " + "  ".join(fact for fact in facts if fact)
