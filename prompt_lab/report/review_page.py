"""The web app's pages of the daily review and of traces, as HTML."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from prompt_lab.report.html import render_served
from prompt_lab.report.registry_page import Viewer
from prompt_lab.report.review_plot import (
    MeasuredVersionChange,
    plot_change,
    plot_costs,
    plot_versions,
)
from prompt_lab.report.review_timeline import read_timeline
from prompt_lab.report.review_view import STATUS_WORDS, ItemView, group_items, list_deployable
from prompt_lab.reviews import ReviewSession, SessionStatus
from prompt_lab.traces import Feedback, Trace, VersionUsage


class Notice(NamedTuple):
    """What the last answer did."""

    text: str
    is_refused: bool = False


def render_reviews(
    viewer: Viewer,
    sessions: Sequence[ReviewSession],
    usage: Sequence[VersionUsage] = (),
    changes: Sequence[MeasuredVersionChange] = (),
    tasks: Sequence[Any] = (),
) -> str:
    """All review sessions, newest first, and how costs went. `tasks`: runs that were asked for."""
    return render_served(
        "reviews.html.j2",
        title="Reviews",
        viewer=viewer,
        sessions=sessions,
        status_words=STATUS_WORDS,
        waiting=[one for one in sessions if one.status is SessionStatus.PENDING],
        plot=plot_costs(sessions),
        versions=plot_versions(usage),
        changes=[plot_change(one) for one in changes],
        tasks=tasks,
    )


def render_review(
    viewer: Viewer,
    session: ReviewSession,
    items: Sequence[ItemView],
    notice: Notice | None = None,
) -> str:
    """One session with its items, and the forms that answer it."""
    return render_served(
        "review.html.j2",
        title=f"Review of {session.created_at[:10]}",
        viewer=viewer,
        session=session,
        status=STATUS_WORDS[session.status],
        is_pending=session.status is SessionStatus.PENDING,
        groups=group_items(items),
        deployable=list_deployable(items),
        notice=notice,
    )


def render_trace(viewer: Viewer, trace: Trace, feedback: Sequence[Feedback] = ()) -> str:
    """One trace as a timeline."""
    return render_served(
        "trace.html.j2",
        title=f"Trace {trace.trace_id[:40]}",
        viewer=viewer,
        trace=trace,
        summary=trace.payload.summary,
        timeline=read_timeline(trace),
        feedback=feedback,
    )
