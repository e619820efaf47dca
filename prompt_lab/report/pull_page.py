"""The page of a pull request of the local code host: its text, comments, verdicts and history."""

from prompt_lab.names import Outcome, PullState
from prompt_lab.records import Record
from prompt_lab.report.html import render
from prompt_lab.report.markdown import render_markdown

LAB = ".."
"""From the folder of the pages to the lab."""


class PullComment(Record):
    """A comment in Markdown, and when it was written and last edited; '' if never."""

    body: str
    created: str
    edited: str = ""


class CommitVerdict(Record):
    """The verdict on a commit, with its sentence."""

    commit: str
    outcome: Outcome
    text: str


class PullEvent(Record):
    """What happened, when, and the commit, label or key that it was about."""

    what: str
    when: str
    note: str


class PullView(Record):
    """Everything that the page shows. All texts are untrusted and escaped."""

    number: int
    title: str
    body: str
    repository: str
    branch: str
    base: str
    state: PullState
    head: str = ""
    merged_commit: str = ""
    labels: tuple[str, ...] = ()
    comments: tuple[PullComment, ...] = ()
    verdicts: tuple[CommitVerdict, ...] = ()
    history: tuple[PullEvent, ...] = ()


def render_pull(view: PullView) -> str:
    """pulls/<number>.html, which leads back to the ledger and to the record beside it."""
    return render(
        "pull.html.j2",
        view=view,
        lab=LAB,
        title=f"Pull request #{view.number}",
        record=f"{view.number:04d}.json",
        body=render_markdown(view.body),
        comments=[(one, render_markdown(one.body)) for one in view.comments],
    )
