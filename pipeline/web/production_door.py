"""Connect the web app to the production loop: answers, the chat's webhook, what was measured."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from pipeline.web.production import AnswerResult, ProductionDoor, WebAnswer
from pipeline.wiring import load_adapter, review_doors, stores
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import dollars
from prompt_lab.ports.trace_store import ReviewStore
from prompt_lab.production.approve import answer_reply
from prompt_lab.production.binding import ReplyRequest
from prompt_lab.production.daily import ReviewDoors
from prompt_lab.production.deploy import ItemDeployer
from prompt_lab.production.notify import answer_message
from prompt_lab.production.replies import ReplyAction, parse_reply
from prompt_lab.production.review_context import ReviewContext, record_thumb
from prompt_lab.production.review_measure import MeasuredVersions
from prompt_lab.production.review_run import MEASURED, reviews_folder
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.production.version_records import MetricChange, VersionComparison
from prompt_lab.prompts.snapshots import ActorKind
from prompt_lab.report.review_plot import MeasuredChange, MeasuredVersionChange
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.prompt_verdicts import open_registry

DOOR = "web"
CHAT_WITH_WEBHOOK = "green_api"
_RELATIVE = ("cost", "messages")
"""Measures whose change is relative to before; that of the others is of shares."""


def open_production_door(context: LabContext) -> ProductionDoor:
    """What the app needs of the production loop of a lab. Raises StoreError."""
    opened = stores(context)
    files = SessionFiles(reviews_folder(context.lab))

    def enter() -> tuple[ReviewContext, ItemDeployer, ReviewDoors]:
        """Looked up for each answer, so that keys and registries may change while the app runs."""
        doors = review_doors(context)
        thumbs = partial(record_thumb, opened.traces)
        review = ReviewContext(files, opened.reviews, chat_id=doors.chat_id, give_feedback=thumbs)
        return review, ItemDeployer(open_registry(context.lab), doors.publishers), doors

    def carry_out(answer: WebAnswer) -> AnswerResult:
        reply = parse_reply(answer.words)
        if reply.is_untested and answer.actor.kind is not ActorKind.PERSON:
            return AnswerResult("Only a person may deploy an untested item.", is_refused=True)
        if reply.is_untested and not answer.reason:
            return AnswerResult("A forced promotion needs a reason.", is_refused=True)
        review, deployer, _ = enter()
        request = ReplyRequest(
            id=f"{DOOR} {uuid4().hex}",
            person=answer.actor.name,
            door=DOOR,
            text=answer.words,
            session_id=answer.session_id,
            shown_sha256=answer.shown_sha256,
            reason=answer.reason,
        )
        done = answer_reply(request, deployer, review)
        if done.action is ReplyAction.NONE:
            return AnswerResult("That is no answer to a review.", is_refused=True)
        refused = done.is_refused or done.action is ReplyAction.ASK
        return AnswerResult(done.text, is_refused=refused)

    def receive(body: Mapping[str, Any]) -> None:
        message = load_adapter("chat_webhook", CHAT_WITH_WEBHOOK)(dict(body))
        if message is not None:
            review, deployer, doors = enter()
            answer_message(message, doors.chat, deployer, review)

    is_pushed = context.defaults.production.chat == CHAT_WITH_WEBHOOK
    return ProductionDoor(
        opened.traces,
        FiledReviews(ReviewContext(files, opened.reviews), opened.reviews),
        carry_out,
        lambda: read_measured(files),
        receive if is_pushed else None,
    )


class FiledReviews:
    """ports.ReviewStore whose sessions are the lab's files; rows of the database are copies."""

    def __init__(self, context: ReviewContext, rows: ReviewStore) -> None:
        self._context, self._rows = context, rows

    def save_session(self, session: ReviewSession) -> None:
        """Write the session's file, then its row."""
        with self._context.files.hold():
            self._context.save(session)

    def read_session(self, session_id: str) -> ReviewSession | None:
        """One session."""
        return self._context.files.read(session_id) or self._rows.read_session(session_id)

    def list_sessions(self, *, limit: int = 100) -> list[ReviewSession]:
        """Newest first."""
        found = {one.id: one for one in self._rows.list_sessions(limit=limit)}
        found |= {one.id: one for one in self._context.files.list_sessions()}
        newest = sorted(found.values(), key=lambda one: (one.created_at, one.id), reverse=True)
        return newest[:limit]

    def move_session(self, session: ReviewSession, *, expected: SessionStatus) -> bool:
        """Write the session if the stored one has the expected status; False if not."""
        with self._context.files.hold():
            known = self.read_session(session.id)
            if known is None or known.status is not expected:
                return False
            self._context.save(session)
            return True

    def read_config(self) -> dict[str, str]:
        """The agent's settings: key -> JSON value."""
        return self._rows.read_config()

    def write_config(self, key: str, value: str) -> None:
        """Set one of them."""
        self._rows.write_config(key, value)


def read_measured(files: SessionFiles) -> list[MeasuredVersionChange]:
    """What the newest review measured of the prompts' versions."""
    for path in sorted(files.root.glob(f"*/{MEASURED}"), reverse=True):
        found = read_if_whole(path, MeasuredVersions)
        if found is not None:
            return [_show(one) for one in found.comparisons]
    return []


def _show(compared: VersionComparison) -> MeasuredVersionChange:
    return MeasuredVersionChange(
        compared.prompt_id,
        compared.before,
        compared.after,
        compared.sessions_before,
        compared.sessions_after,
        tuple(_show_metric(one) for one in compared.metrics),
    )


def _show_metric(metric: MetricChange) -> MeasuredChange:
    def write(value: float) -> str:
        if metric.name == "cost":
            return dollars(value)
        return f"{value:.1f}" if metric.name == "messages" else f"{100 * value:.1f} %"

    interval = metric.interval
    return MeasuredChange(
        metric.name,
        write(metric.before),
        write(metric.after),
        100 * metric.change,
        (100 * interval[0], 100 * interval[1]) if interval else None,
        metric.is_worse,
        "%" if metric.name in _RELATIVE else "points",
    )
