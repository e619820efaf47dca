"""Messages of users that have no trace of their own, given to the trace that follows.

The agent may fail before it writes a trace, or answer several messages at once. What such a user
wrote is in the table `messages` alone; the detectors count it with the user's next request.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from prompt_lab.production.detector import user_messages
from prompt_lab.traces import ChannelMessage, Trace, UserMessage

USER_ROLES = frozenset({"user", "human"})
MOST_USERS, MOST_MESSAGES = 20_000, 50


class _UserTexts:
    """Texts of one user: `waiting` in messages that no trace has, `answered` the reverse."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.answered: list[str] = []


def add_unanswered(traces: Iterable[Trace], messages: Iterable[ChannelMessage]) -> Iterator[Trace]:
    """The traces, each with the messages of its user that were written before it without a trace.

    Both come by time. A message is a trace's own if it names one or has a text of it, be it written
    a moment before the trace or after; of those that are left before a trace, the last one counts
    as its own, so that a trace that has another wording of it is not counted twice.
    """
    waiting = iter(messages)
    message = next(waiting, None)
    if message is None:
        yield from traces
        return
    users: OrderedDict[str, _UserTexts] = OrderedDict()
    for trace in traces:
        while message is not None and message.created_at <= trace.created_at:
            _read_message(users, message)
            message = next(waiting, None)
        texts = _take_unanswered(users, trace) if trace.channel_user_id else []
        yield _add_texts(trace, texts) if texts else trace


def _read_message(users: OrderedDict[str, _UserTexts], message: ChannelMessage) -> None:
    is_open = message.role.casefold() in USER_ROLES and not message.trace_id
    if not is_open or not message.channel_user_id or not message.content.strip():
        return
    user = _find_user(users, message.channel_user_id)
    plain = _fold(message.content)
    if plain in user.answered:
        user.answered.remove(plain)
    else:
        user.waiting = [*user.waiting[1 - MOST_MESSAGES :], message.content]


def _take_unanswered(users: OrderedDict[str, _UserTexts], trace: Trace) -> list[str]:
    """What the user wrote before the trace that is not its own."""
    user = _find_user(users, trace.channel_user_id)
    waiting, user.waiting = user.waiting, []
    left, missing = waiting[::-1], list[str]()
    for own in map(_fold, user_messages(trace)):
        place = next((at for at, text in enumerate(left) if _fold(text) == own), None)
        if place is None:
            missing.append(own)
        else:
            del left[place]
    user.answered = [*user.answered, *missing][-MOST_MESSAGES:]
    has_own = len(left) < len(waiting)
    return left[::-1] if has_own else waiting[:-1]


def _find_user(users: OrderedDict[str, _UserTexts], name: str) -> _UserTexts:
    if name not in users and len(users) >= MOST_USERS:
        users.popitem(last=False)
    users.setdefault(name, _UserTexts())
    users.move_to_end(name)
    return users[name]


def _add_texts(trace: Trace, texts: list[str]) -> Trace:
    """The trace with the texts before those that it has."""
    every = [*texts, *user_messages(trace)]
    rest = [event for event in trace.payload.events if type(event) is not UserMessage]
    events = (*(UserMessage(text=text) for text in every), *rest)
    return trace.model_copy(update={"payload": trace.payload.model_copy(update={"events": events})})


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
