"""`prompt-lab serve`: the web app. `prompt-lab keys`: who may log in."""

from contextlib import nullcontext
from typing import Annotated

import typer

from pipeline.web.keys import WebKeys
from pipeline.wiring import import_object, lab_context, load_adapter
from prompt_lab.clock import utc_now
from prompt_lab.errors import UsageError
from prompt_lab.report.terminal import say

keys_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Keys of the web app, kept as hashes."
)


def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port; 0: a free one", min=0, max=65535)] = 8084,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="host name that readers use; may be repeated")
    ] = None,
    proxy: Annotated[
        str, typer.Option(help="address of a proxy whose X-Forwarded-* headers are believed")
    ] = "",
    worker: Annotated[
        bool, typer.Option("--worker", help="run the optimizer too, while the machine is idle")
    ] = False,
) -> None:
    """Serve prompts and pages until Ctrl-C. Elsewhere than on loopback, reading takes a key too."""
    context = lab_context()
    lab = context.lab
    if not lab.root.is_dir():
        raise UsageError(f"{lab.root}: there is no lab. Run the command in a project's folder.")
    load_adapter("git", "exclude")(lab.root)
    # The imports of a web server take long, and no other command needs them.
    run_server = import_object("pipeline.web.server:run_server")
    production = import_object("pipeline.web.production_door:open_production_door")(context)
    optimizer = import_object("pipeline.web.optimizer_loop:OptimizerLoop")(lab.root.resolve())
    with optimizer if worker else nullcontext():
        run_server(
            lab,
            (host, port),
            allowed_hosts=allowed_host or (),
            proxy=proxy,
            production=production,
            promptops=context.defaults.promptops,
        )


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="who uses it: the actor of their rollbacks")],
    role: Annotated[str, typer.Option(help="reader, or operator: may roll back too")] = "reader",
) -> None:
    """Make a key and print it, once."""
    if role not in ("reader", "operator"):
        raise UsageError(f"{role!r} is no role: give reader or operator.")
    key = _open_keys().add(name, "operator" if role == "operator" else "reader", utc_now())
    say(key)


@keys_app.command("list")
def list_keys() -> None:
    """Print id, role, name and date of each key."""
    for key in _open_keys().list_keys():
        say(f"{key.id}  {key.role:<8}  {key.created}  {key.name}")


@keys_app.command("remove")
def remove_key(key_id: Annotated[str, typer.Argument(help="as `keys list` prints it")]) -> None:
    """Remove a key; its sessions end."""
    _open_keys().remove(key_id)


def _open_keys() -> WebKeys:
    return WebKeys(lab_context().lab)
