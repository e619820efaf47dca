"""The ends of a daily review: replies and deployments before it, its message after it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from pydantic import Field

from prompt_lab.errors import ChatError
from prompt_lab.ports.chat import Chat
from prompt_lab.production.deploy import ItemDeployer, PromptPublisher, resume_deployments
from prompt_lab.production.item_trials import follow_deployments
from prompt_lab.production.message import render_message
from prompt_lab.production.notify import answer_message, notify_session
from prompt_lab.production.review_context import ReviewContext, record_thumb
from prompt_lab.production.review_items import (
    analyse_findings,
    build_session,
    describe_session,
)
from prompt_lab.production.review_measure import MeasuredVersions, describe_measured
from prompt_lab.production.review_run import (
    DEPLOYED,
    MEASURED,
    NOTIFIED,
    ReviewRun,
    detect_faults,
    look_at_window,
    reviews_folder,
)
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.records import VERSION, Record
from prompt_lab.reviews import ReviewSession
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.prompt_verdicts import open_registry


class CarriedOut(Record):
    """deployed.json: what was answered and deployed before the review began."""

    version: int = VERSION
    answers: tuple[str, ...] = Field(default=(), description="what each reply was answered")
    notes: tuple[str, ...] = Field(default=(), description="what a person should know")


class NotifiedRecord(Record):
    """notified.json: the message is sent, or the chat is known to need none."""

    version: int = VERSION
    session_id: str
    message_id: str = ""
    when: str = ""


class ReviewDoors(NamedTuple):
    """What a review reaches a person and other registries by."""

    chat: Chat
    chat_id: str = ""
    publishers: Mapping[str, PromptPublisher] = {}
    start_review: Callable[[str], str] | None = None


def review_context(run: ReviewRun, doors: ReviewDoors) -> ReviewContext:
    """What answering, deploying and notifying work with."""
    return ReviewContext(
        SessionFiles(reviews_folder(run.context.lab)),
        run.reviews,
        chat_id=doors.chat_id,
        start_review=doors.start_review,
        give_feedback=partial(record_thumb, run.traces),
    )


def deploy_approvals(run: ReviewRun, doors: ReviewDoors) -> CarriedOut:
    """Take waiting replies, go on with approvals, let files follow. Writes deployed.json."""
    answers = answer_replies(run, doors)
    done = CarriedOut(answers=tuple(answers), notes=tuple(carry_out(run, doors)))
    write_record(run.folder / DEPLOYED, done)
    return done


def carry_out(run: ReviewRun, doors: ReviewDoors) -> list[str]:
    """Go on with every approval that is not carried out; what a person should know of it."""
    context = review_context(run, doors)
    registry = open_registry(run.context.lab)
    if registry.files.read_pointer() is None:
        return []
    deployer = ItemDeployer(registry, doors.publishers)
    notes = [one.reason for one in resume_deployments(deployer, context) if one.reason]
    for session in context.files.list_sessions():
        notes += follow_deployments(run.context, session.items)
    return notes


def describe_dry_run(run: ReviewRun) -> str:
    """The message that a review would send, from its detectors alone; writes nothing."""
    observed = look_at_window(run)
    analysis = analyse_findings(run, observed, detect_faults(run, observed), asks=False)
    session = describe_session("", observed, analysis, analysis.items)
    return f"{render_message(session)}\n\nA dry run: nothing was written, tried or sent."


def describe_review(run: ReviewRun, *, shows_message: bool = True) -> str:
    """What a review that is done has to say: its message, what was measured, what is kept back."""
    built = build_session(run)
    session = SessionFiles(reviews_folder(run.context.lab)).read(built.id) or built
    measured = read_if_whole(run.folder / MEASURED, MeasuredVersions)
    lines = [render_message(session), ""] if shows_message else []
    lines += ["Prompt versions, before and after:"] if measured else []
    lines += describe_measured(measured) if measured else []
    return "\n".join([*lines, *session.analysis_text.splitlines(), f"Files: {run.folder}"])


def answer_replies(run: ReviewRun, doors: ReviewDoors) -> list[str]:
    """Carry out every message that waits in the chat; the answers.

    Raises StoreError or ChatError; what was not acknowledged is delivered again.
    """
    registry, context = open_registry(run.context.lab), review_context(run, doors)
    deployer = ItemDeployer(registry, doors.publishers)
    answers = []
    for message in doors.chat.receive():
        answers.append(answer_message(message, doors.chat, deployer, context))
        doors.chat.acknowledge(message)
    return [answer for answer in answers if answer]


def notify_review(run: ReviewRun, doors: ReviewDoors) -> NotifiedRecord:
    """Write the session, then send its message. Writes notified.json.

    Raises ChatError where the chat is down: the session then stays pending with the reason. A
    further review of a day whose message is sent sends none; it is on the page.
    """
    context = review_context(run, doors)
    session = build_session(run)
    if context.files.read(session.id) is None:
        context.files.write(session, run.folder)
    done = notify_session(session, doors.chat, context)
    if not done.is_sent and not _was_sent_by_another(session, context):
        raise ChatError(
            f"The review {run.name} is not sent: {done.reason}. It is kept in {run.folder}; the"
            " same command sends it."
        )
    record = NotifiedRecord(
        session_id=session.id,
        message_id=done.session.message_id,
        when=done.session.notified_at,
    )
    write_record(run.folder / NOTIFIED, record)
    return record


def _was_sent_by_another(session: ReviewSession, context: ReviewContext) -> bool:
    row = context.files.read_outbox().get(f"review {session.created_at[:10]}")
    return row is not None and row.session_id != session.id and row.state == "sent"
