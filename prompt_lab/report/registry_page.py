"""The web app's pages of the registry, as HTML."""

from collections.abc import Sequence
from typing import NamedTuple

from prompt_lab.prompts.snapshots import Snapshot
from prompt_lab.report.diff import Diff, side_by_side
from prompt_lab.report.html import render_served
from prompt_lab.report.registry_view import PromotionView, PromptView, list_versions

LATEST = 5
PAGE_ROWS = 100


class Viewer(NamedTuple):
    """Who looks at a page, and which page it is; `name` is '' before a login."""

    page: str
    pages: tuple[tuple[str, str], ...]
    """(name, path) of the navigation."""
    name: str = ""
    csrf: str = ""
    may_change: bool = False


class _ComparedText(NamedTuple):
    name: str
    diff: Diff


def render_prompts(
    viewer: Viewer,
    prompts: Sequence[PromptView],
    rows: Sequence[PromotionView],
    stale_since: str = "",
) -> str:
    """All prompts with their current versions; `rows` newest first."""
    return render_served(
        "prompts.html.j2",
        title="Prompts",
        viewer=viewer,
        prompts=prompts,
        latest=rows[:LATEST],
        current=next((row for row in rows if row.is_current), None),
        forced=sum(prompt.is_forced for prompt in prompts),
        stale_since=stale_since,
    )


def render_prompt(viewer: Viewer, prompt: PromptView, rows: Sequence[PromotionView]) -> str:
    """One prompt: its text, its manifest, its versions and its history."""
    own = [row for row in rows if any(c.prompt == prompt.id for c in row.changes)]
    return render_served(
        "prompt.html.j2",
        title=prompt.id,
        viewer=viewer,
        prompt=prompt,
        rows=own[:PAGE_ROWS],
        versions=list_versions(prompt.id, rows)[:PAGE_ROWS],
    )


def render_difference(
    viewer: Viewer, prompt: str, old: tuple[str, str], new: tuple[str, str]
) -> str:
    """Two versions side by side, each as (sha256, text)."""
    return render_served(
        "prompt_diff.html.j2",
        title=f"{prompt}: difference",
        viewer=viewer,
        prompt=prompt,
        old=old[0],
        new=new[0],
        file=_ComparedText(prompt, side_by_side(old[1], new[1])),
    )


def render_history(viewer: Viewer, rows: Sequence[PromotionView], before: int = 0) -> str:
    """The journal from the row before `before` on; 0: from the newest."""
    chosen = [row for row in rows if not before or row.sequence < before]
    shown = chosen[:PAGE_ROWS]
    older = shown[-1].sequence if len(chosen) > PAGE_ROWS else 0
    return render_served("history.html.j2", title="History", viewer=viewer, rows=shown, older=older)


def render_snapshot(
    viewer: Viewer, snapshot_id: str, snapshot: Snapshot, current: tuple[str, Snapshot]
) -> str:
    """One snapshot beside the current one, with the form that rolls back to it."""
    now = current[1].prompts
    names = sorted({*snapshot.prompts, *now})
    changed = [name for name in names if snapshot.prompts.get(name) != now.get(name)]
    return render_served(
        "snapshot.html.j2",
        title=f"Snapshot {snapshot_id[:12]}",
        viewer=viewer,
        id=snapshot_id,
        snapshot=snapshot,
        current=current[0],
        prompts=[(name, snapshot.prompts.get(name, ""), now.get(name, "")) for name in names],
        can_restore=snapshot_id != current[0],
        changed=len(changed),
        changed_names=changed,
    )


def render_login(viewer: Viewer, following: str, fault: str = "") -> str:
    """The form that exchanges a key for a session."""
    return render_served(
        "login.html.j2", title="Log in", viewer=viewer, next=following, fault=fault
    )


def render_message(viewer: Viewer, heading: str, text: str) -> str:
    """One message, such as an error."""
    return render_served(
        "web_message.html.j2", title=heading, viewer=viewer, heading=heading, text=text
    )
