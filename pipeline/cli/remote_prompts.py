"""`prompt-lab prompts deploy`, `pull` and `status`: the lab's prompts at remote registries."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.prompts import prompts_app
from pipeline.wiring import lab_context
from prompt_lab.clock import utc_now
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.deploy.remote import Deployment, RemoteDeployer
from prompt_lab.deploy.status import RemoteReader, RemoteStatus
from prompt_lab.errors import RegistryError, StoreError, UsageError
from prompt_lab.ports import RemotePrompts
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.report.terminal import say
from prompt_lab.store.files import write_text
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason

PromptIds = Annotated[list[str] | None, typer.Argument(help="ids of prompts; default: all")]
Label = Annotated[str, typer.Option(help="the label; default: the registry's own")]
WORDS = {
    "current": "has the lab's text",
    "behind": "has an earlier text of the lab",
    "edited": "was changed by hand",
    "absent": "has no such label",
}


def add_commands(app: typer.Typer) -> None:
    """Add deploy, pull and status to `prompt-lab prompts`."""
    app.command("deploy")(deploy_prompts)
    app.command("pull")(pull_prompts)
    app.command("status")(show_status)


def deploy_prompts(
    to: Annotated[str, typer.Option(help="a registry of configs/registries")],
    prompts: PromptIds = None,
    label: Label = "",
    over: Annotated[str, typer.Option(help="sha256 of an edit by hand that is given up")] = "",
    reason: Annotated[str, typer.Option(help="why, for the record")] = "",
) -> None:
    """Put the lab's current texts on a label of a remote registry, and read them back."""
    if over and len(prompts or ()) != 1:
        raise UsageError("--over gives up one edit: name its prompt.")
    files, config = _open_files(), _read_config(to)
    why = PromotionReason(Actor(name=getpass.getuser(), kind=ActorKind.PERSON), reason, utc_now())
    failed = False
    with _connect(config) as remote:
        deployer = RemoteDeployer(files, remote, config)
        for name in _choose(prompts, files, config):
            try:
                say(_describe(config, deployer.deploy(name, why, label=label, over=over)))
            except RegistryError as error:
                failed = True
                say(f"{name}: NOT deployed: {error}")
    if failed:
        raise typer.Exit(1)


def pull_prompts(
    from_: Annotated[str, typer.Option("--from", help="a registry of configs/registries")],
    prompts: PromptIds = None,
    label: Label = "",
    output: Annotated[Path | None, typer.Option(help="folder for <id>.txt")] = None,
) -> None:
    """Read texts of a remote registry raw: into a folder for `prompts import`, or one to read."""
    files, config = _open_files(), _read_config(from_)
    chosen = _choose(prompts, files, config)
    if output is None and len(chosen) != 1:
        raise UsageError("Name one prompt to print, or --output FOLDER for several.")
    with _connect(config) as remote:
        reader = RemoteReader(files, remote, config)
        for name in chosen:
            found = reader.read_label(name, label or config.label)
            if found is None:
                raise RegistryError(
                    f"{config.name}: {config.remote_name(name)!r} has no label"
                    f" {label or config.label!r}. Name another one with --label."
                )
            if output is None:
                say(found.text)
            else:
                write_text(output / f"{name}.txt", found.text)
                say(f"{output / f'{name}.txt'}  version {found.number}  {found.digest[:12]}")


def show_status(
    to: Annotated[str, typer.Option(help="a registry; default: all")] = "",
    label: Label = "",
) -> None:
    """Compare remote registries with the lab; exit code 1 where one was changed by hand."""
    files = _open_files()
    names = [to] if to else sorted(lab_context().files.names("registries"))
    if not names:
        raise UsageError("There is no registry: describe one in configs/registries/<name>.yaml.")
    needs_attention = False
    for name in names:
        config = _read_config(name)
        with _connect(config) as remote:
            reader = RemoteReader(files, remote, config)
            for prompt in _choose(None, files, config):
                try:
                    status = reader.read_status(prompt, label)
                except RegistryError as error:
                    needs_attention = True
                    say(f"{prompt}  cannot be read: {error}")
                    continue
                needs_attention |= status.state == "edited"
                say(_describe_status(config, status))
    if needs_attention:
        raise typer.Exit(1)


@contextmanager
def _connect(config: RegistryConfig) -> Iterator[RemotePrompts]:
    remote: RemotePrompts = lab_context().load_adapter("registry", config.kind)(config)
    try:
        yield remote
    finally:
        remote.close()


def _read_config(name: str) -> RegistryConfig:
    return lab_context().files.entry("registries", RegistryConfig, "registry", name)


def _open_files() -> PromptFiles:
    return PromptFiles(lab_context().lab.root / "prompts")


def _choose(
    given: Sequence[str] | None, files: PromptFiles, config: RegistryConfig
) -> Sequence[str]:
    """Those that are named, else those of the config, else all of the lab. Raises StoreError."""
    if given:
        return given
    if config.prompts:
        return sorted(config.prompts)
    pointer = files.read_pointer()
    if pointer is None:
        raise StoreError(
            f"{files.root}: holds no prompts, and registry {config.name!r} names none. List them"
            " under `prompts:` of its config, or name them."
        )
    return sorted(files.read_snapshot(pointer.to_snapshot).prompts)


def _describe(config: RegistryConfig, done: Deployment) -> str:
    where = f"{config.name} {done.label} -> version {done.version.number}"
    how = "published" if done.is_published else "found there"
    if done.is_unchanged:
        how = "was there already"
    before = f", was version {done.previous.number}" if done.previous else ""
    note = "" if done.is_unchanged else before
    return f"{done.prompt}  {where}  {done.version.digest[:12]}  {how}{note}"


def _describe_status(config: RegistryConfig, status: RemoteStatus) -> str:
    at = f"version {status.remote.number} {status.remote.digest[:12]}" if status.remote else "–"
    lab = status.lab.digest[:12] if status.lab else "–"
    text = f"{config.name} {status.label} {WORDS[status.state]}: {at}, lab {lab}"
    return f"{status.prompt}  {text}"


add_commands(prompts_app)
