"""`prompt-lab traces`: what the agent in production did, in the lab's database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline.wiring import adapter_names, lab_context, load_adapter, stores
from prompt_lab.clock import utc_now, write_time
from prompt_lab.errors import StoreError, UsageError
from prompt_lab.experiments.agent_access import secrets
from prompt_lab.experiments.challenge_files import erase_noted
from prompt_lab.names import count
from prompt_lab.production.ingest import ASIDE, import_traces, render_ingested
from prompt_lab.redact import Redactor
from prompt_lab.report.terminal import say, write_output
from prompt_lab.traces import ALL_TIME, Feedback

traces_app = typer.Typer(no_args_is_help=True, help="Traces of the agent in production.")


@traces_app.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(help="files of one format")],
    *,
    format_: Annotated[str, typer.Option("--format", help="jsonl, openai-chat, langfuse, …")],
    at: Annotated[str, typer.Option(help="time of traces that say none (ISO 8601)")] = "",
) -> None:
    """Read traces into the lab's database; what is there already stays as it is.

    What cannot be read is kept in malformed_traces.jsonl of the lab, and the command ends with 1.
    """
    context = lab_context()
    reader = load_adapter("traces", format_)()
    aside = context.lab.root / ASIDE
    found = import_traces(
        stores(context).traces,
        reader,
        files,
        at=_read_time(at, "--at") if at else "",
        aside=aside,
        redactor=Redactor(secrets(context)),
    )
    say(render_ingested(found, aside))
    raise typer.Exit(1 if found.malformed else 0)


@traces_app.command("formats")
def list_formats() -> None:
    """The formats that can be imported, those of installed packages included."""
    say("\n".join(adapter_names("traces")))


@traces_app.command("export")
def export_user(
    user: Annotated[str, typer.Option(help="channel_user_id; '' exports every trace")] = "",
) -> None:
    """Print traces and feedback as JSON Lines, such as all that is held of one user."""
    store = stores(lab_context()).traces
    found = map(store.find, store.find_ids(user=user)) if user else store.read(ALL_TIME)
    for trace in found:
        if trace is not None:
            write_output(trace.model_dump_json(exclude_none=True))
    for feedback in store.read_feedback(ALL_TIME):
        if not user or feedback.channel_user_id == user:
            write_output(feedback.model_dump_json(exclude_none=True))


@traces_app.command("erase")
def erase_user(
    user: Annotated[str, typer.Option(help="channel_user_id")],
    *,
    reason: Annotated[str, typer.Option(help="recorded with the ids of what was deleted")],
) -> None:
    """Delete traces and feedback of one user. A record of which were deleted stays."""
    if not user or not reason.strip():
        raise UsageError("--user and --reason: name whose traces are deleted, and why")
    context = lab_context()
    store = stores(context).traces
    ids = store.find_ids(user=user)
    plans = erase_noted(context.lab, ids, reason=reason, when=utc_now())
    store.erase_user(user)
    say(f"{count(len(ids), 'trace')} deleted, and {count(len(plans), 'plan')} built from traces")


@traces_app.command("expire")
def expire(
    days: Annotated[int, typer.Option(min=1, help="older traces are deleted")],
) -> None:
    """Delete traces and feedback that are older."""
    before = write_time(datetime.now(UTC) - timedelta(days=days))
    context = lab_context()
    store = stores(context).traces
    ids = store.find_ids(before=before)
    plans = []
    if ids:
        reason = f"older than {days} days"
        plans = erase_noted(context.lab, ids, reason=reason, when=utc_now())
    store.erase_before(before)
    say(f"{count(len(ids), 'trace')} deleted, and {count(len(plans), 'plan')} built from traces")


@traces_app.command("feedback")
def record_feedback(
    trace_id: Annotated[str, typer.Argument(help="of a trace in the database")],
    thumb: Annotated[str, typer.Argument(help="up or down")],
    *,
    comment: Annotated[str, typer.Option(help="what the user said")] = "",
    user: Annotated[str, typer.Option(help="who gave it")] = "",
) -> None:
    """Record what a user thought of an answer."""
    if thumb not in ("up", "down"):
        raise UsageError(f"{thumb!r}: a thumb is up or down")
    context = lab_context()
    store = stores(context).traces
    found = store.find(trace_id)
    if found is None:
        raise StoreError(f"there is no trace {trace_id!r}: `prompt-lab traces export` lists them")
    text = Redactor(secrets(context)).text(comment)
    given = Feedback.model_validate(
        {
            "trace_id": trace_id,
            "thumb": thumb,
            "comment": text,
            "created_at": utc_now(),
            "channel_user_id": user or found.channel_user_id,
        }
    )
    say("recorded" if store.add_feedback(given) else "there is feedback of this user already")


def _read_time(text: str, option: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: write it as 2026-02-26T06:00:00Z") from error
    return write_time(time if time.tzinfo else time.replace(tzinfo=UTC))
