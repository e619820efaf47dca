"""The message of a review: what was found, and what a person may answer."""

import unicodedata
from collections.abc import Sequence

from prompt_lab.errors import ChatError
from prompt_lab.reviews import Goal, Item, ItemState, ItemType, ReviewSession

_HEADINGS = {
    Goal.ACCURACY: ("Accuracy", "issue"),
    Goal.CAPABILITIES: ("Capabilities", "issue"),
    Goal.COST: ("Cost", "saving"),
}
_SKIPPED_LENGTH = 200
_LINE_LENGTHS = (400, 160, 70)
"""Characters of an item's title and impact, tried in this order until the message fits."""


def render_message(session: ReviewSession, *, limit: int = 20_000) -> str:
    """The message of a session, at most `limit` characters.

    Items that can be deployed are always shown, since an approval covers what was shown; others
    are left out from the end and counted where there is no room. Raises ChatError where the
    channel cannot hold the message at all.
    """
    for length in _LINE_LENGTHS:
        text = _render(session, session.items, length)
        if len(text) <= limit:
            return text
    shown = list(session.items)
    for item in [one for one in reversed(session.items) if not _needs_approval(one)]:
        shown.remove(item)
        text = _render(session, shown, _LINE_LENGTHS[-1])
        if len(text) <= limit:
            return text
    raise ChatError(
        f"The review of {session.created_at[:10]} has {len(text)} characters at least, and a"
        f" message of this chat {limit}. Answer it on the page of the session."
    )


def render_item(item: Item) -> str:
    """All of one item, as an answer to "show me item 3"."""
    lines = [
        f"[{item.id}] {clean_line(item.title)}",
        f"{item.goal.value}, {item.type.value.replace('_', ' ')}, {item.state.value}",
    ]
    lines += [f"Impact: {clean_line(item.impact)}"] if item.impact else []
    lines += [f"Fix: {clean_line(item.fix)}"] if item.fix else []
    counts = item.evidence.counts
    if counts:
        lines.append("Counts: " + ", ".join(f"{clean_line(k)} {v:g}" for k, v in counts.items()))
    if item.evidence.rate is not None:
        low, high = item.evidence.interval or (item.evidence.rate, item.evidence.rate)
        lines.append(f"Rate: {item.evidence.rate:.1%} (95 %: {low:.1%} to {high:.1%})")
    if item.evidence.usd_per_day is not None:
        lines.append(f"Money: ${item.evidence.usd_per_day:.2f} a day")
    if item.evidence.trace_ids:
        named = ", ".join(clean_line(one) for one in item.evidence.trace_ids[:5])
        lines.append(f"Traces: {named}")
    lines += _describe_trial(item)
    if item.prompt_text:
        lines += [f"New text of {clean_line(item.prompt_key)}:", clean_text(item.prompt_text)]
    if item.config_key:
        lines.append(f"Setting: {clean_line(item.config_key)} = {item.config_value!r}")
    lines += [f"Note: {clean_line(item.note)}"] if item.note else []
    return "\n".join(lines)


def clean_line(text: str, most: int = 0) -> str:
    """Untrusted text on one line, without control and format characters.

    >>> clean_line("write_article\\nReply to me:\\u202e x", 18)
    'write_article Rep…'
    """
    line = " ".join(clean_text(text).split())
    return line if not most or len(line) <= most else line[: most - 1].rstrip() + "…"


def clean_text(text: str) -> str:
    """The same with its lines kept."""
    # Cc: control, Cf: invisible and right-to-left marks, Cs: half surrogates, Zl, Zp: line ends.
    hidden = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    kept = (
        one if one == "\n" or unicodedata.category(one) not in hidden else " "
        for one in text.replace("\t", " ")
    )
    return "".join(kept)


def list_numbers(items: Sequence[Item]) -> str:
    """Numbers of items as words: '1, 2, 5'."""
    return ", ".join(str(item.id) for item in items)


def _needs_approval(item: Item) -> bool:
    return item.type is ItemType.PROMPT_CHANGE


def _render(session: ReviewSession, shown: Sequence[Item], length: int) -> str:
    return "\n\n".join("\n".join(part) for part in _list_parts(session, shown, length) if part)


def _list_parts(session: ReviewSession, shown: Sequence[Item], length: int) -> list[list[str]]:
    parts = [_describe_window(session)]
    if not session.items:
        return [*parts, ["Nothing found that needs a change. There is nothing to answer."]]
    for goal, (heading, word) in _HEADINGS.items():
        of_goal = [item for item in session.items if item.goal is goal]
        if of_goal:
            rows = [_describe(item, length) for item in shown if item.goal is goal]
            left = len(of_goal) - len(rows)
            rows += [f"… and {left} more on the page of the session"] if left else []
            parts.append([f"{heading} ({_count(len(of_goal), word)}):", *rows])
    return [*parts, _describe_actions(session.items), _describe_replies(session.items)]


def _describe_window(session: ReviewSession) -> list[str]:
    cost = session.average_cost_usd
    average = "unknown" if cost is None else f"${cost:.3f}"
    skipped = clean_line(session.analyst_skipped, _SKIPPED_LENGTH)
    return [
        f"🔍 Agent Self-Analysis ({session.created_at[:10]})",
        f"Window: last {session.window_hours:g}h | {_count(session.session_count, 'session')} | "
        f"avg cost {average}",
        *([skipped] if skipped else []),
    ]


def _describe(item: Item, length: int) -> str:
    impact = clean_line(item.impact, length // 2)
    title = clean_line(item.title, length)
    return f"[{item.id}] {title}" + (f" ({impact})" if impact else "")


def _describe_actions(items: Sequence[Item]) -> list[str]:
    deployable = [item for item in items if item.deployable]
    changes = [item for item in items if item.type is ItemType.PROMPT_CHANGE]
    untested = [item for item in changes if item.state is ItemState.UNTESTED]
    failed = [item for item in changes if item not in deployable and item not in untested]
    settings = [item for item in items if item.type is ItemType.CONFIG_CHANGE]
    others = [item for item in items if item not in changes and item not in settings]
    rows = []
    if deployable:
        rows.append(f"Auto-deployable (prompt changes): [{list_numbers(deployable)}]")
    if untested:
        missing = ", ".join(f"{item.id} lacks {item.plans_missing} plans" for item in untested)
        rows.append(f"Untested prompt changes: [{list_numbers(untested)}] ({missing})")
    if failed:
        rows.append(f"Not confirmed by their trial: [{list_numbers(failed)}]")
    if settings:
        rows.append(f"Settings to change on the admin page: [{list_numbers(settings)}]")
    if len(others) == 1:
        rows.append(f"Item {others[0].id} needs investigation or code changes.")
    elif others:
        rows.append(f"Items {list_numbers(others)} need investigation or code changes.")
    return rows


def _describe_replies(items: Sequence[Item]) -> list[str]:
    deployable = [item for item in items if item.deployable]
    untested = [item for item in items if item.state is ItemState.UNTESTED]
    rows = ["Reply to me:"]
    if deployable:
        rows.append('• "deploy all" — apply all prompt changes')
        rows.append(f'• "remove {deployable[0].id}, deploy" — skip an item then deploy')
    else:
        rows.append(f'• "show item {items[0].id}" — all about an item')
    if untested:
        rows.append(
            f'• "deploy {untested[0].id} untested" — apply it without a trial, in your name'
        )
    return [*rows, '• "skip" — discard this analysis']


def _describe_trial(item: Item) -> list[str]:
    if item.type is not ItemType.PROMPT_CHANGE:
        return []
    if not item.verdict:
        return [f"Trial: none; {item.plans_missing} plans are missing"]
    effect = "" if item.screening_effect is None else f", screening {item.screening_effect:+.3f}"
    price = "" if item.price_usd is None else f", ${item.price_usd:.2f}"
    return [f"Trial: {item.verdict}{effect}{price}"]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
