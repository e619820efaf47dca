"""Answers found by who was asked, and when: model, plan, side and the number of the call.

Another prompt gets the same answers, so what is made from them says nothing about a prompt; every
record of such a call says that it is a replay of recorded answers.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.gateway.recordings import Recorded, RecordedRequest, read_recording, write_json
from adapters.gateway.records import KEYED, Origin
from adapters.gateway.relay import rendered
from adapters.gateway.settings import Route
from adapters.wire.dialects.base import Reply, ReplyHeader
from adapters.wire.dialects.chat import wants_usage
from prompt_lab.errors import StoreError
from prompt_lab.names import Side


class ByCall:
    """<root>/<side>/<alias>/<plan>.json: {"v": 1, "label": …, "source": …, "answers": […]}

    An answer is {"text", "finish", "input_tokens", "output_tokens", "model", "seconds"}; only its
    text must be there; it is given in the dialect and the form in which the call asks. A null is a
    call that failed: it has no recording.
    """

    origin: Origin = KEYED

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, question: RecordedRequest, route: Route) -> Recorded | None:
        """The run's answer with this number."""
        path = self._path(question, route)
        if not path.exists():
            return None
        wanted = question.number

        def parse(data: Any) -> Recorded | None:
            answers = data["answers"]
            known = answers[wanted] if wanted < len(answers) else None
            return None if known is None else _find_recording(known, question, route)

        return read_recording(path, parse)

    def keep(self, question: RecordedRequest, route: Route, answer: Recorded) -> None:
        """Put it into its place in the run's file."""
        path = self._path(question, route)
        answers = read_recording(path, _answers) if path.exists() else []
        answers += [None] * (question.number + 1 - len(answers))
        told = {**asdict(answer.reply), "seconds": round(answer.seconds, 3)}
        answers[question.number] = told
        run = question.run
        write_answers(self._root, (run.side, route.config.alias, run.plan), answers, source="")

    def unknown(self, question: RecordedRequest, route: Route) -> str:
        """Names the file and the number."""
        return (
            f"no recorded answer to call {question.number} (request {question.key(route)}): "
            f"{self._path(question, route)} does not hold it"
        )

    def _path(self, question: RecordedRequest, route: Route) -> Path:
        return keyed_path(self._root, question.run.side, route.config.alias, question.run.plan)


def keyed_path(root: Path, side: Side, alias: str, plan: str) -> Path:
    """The file of one run's answers. Raises StoreError for a name that would lead elsewhere."""
    for name in (alias, plan):
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise StoreError(f"{name!r} cannot be the name of a recording's file: rename it.")
    return root / str(side) / alias / f"{plan}.json"


def write_answers(
    root: Path, run: tuple[Side, str, str], answers: list[dict[str, Any] | None], *, source: str
) -> Path:
    """Write one run's answers. `run` is (side, alias, plan); `source` says where they come from."""
    path = keyed_path(root, *run)
    data = {"v": 1, "label": KEYED, "source": source, "answers": answers}
    write_json(path, data)
    return path


def _answers(data: Any) -> list[dict[str, Any] | None]:
    return list(data["answers"])


def _find_recording(known: dict[str, Any], question: RecordedRequest, route: Route) -> Recorded:
    reply = Reply(
        known["text"],
        known.get("finish", "stop"),
        known.get("input_tokens"),
        known.get("output_tokens"),
        known.get("model") or route.config.id,
    )
    dialect, streamed = question.dialect, question.streamed
    ident = question.key(route)[:16] + f"-{question.number}"
    # Nothing in it may hang on the hour, or two replays would differ.
    tool, counted = dialect.ask(question.body).tool, wants_usage(question.body)
    stamp = ReplyHeader(ident, 0, reply.model, tool, counted)
    data = rendered(dialect, reply, stamp, streamed=streamed)
    kind = dialect.stream_type if streamed else "application/json"
    return Recorded(200, kind, data, reply, known.get("seconds") or 0.0)
