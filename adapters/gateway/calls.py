"""One call of a target: find who answers, and write down what happened."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from adapters.gateway.accounting import TokenRun, UsageAccounting, stamp_of
from adapters.gateway.client import NO_RETRY, ClientConnection, ClientDisconnected, plain_response
from adapters.gateway.prepare import build_request
from adapters.gateway.recordings import Recorded, RecordedRequest, Recordings
from adapters.gateway.records import CallRecord
from adapters.gateway.routing import CallRouter
from adapters.gateway.settings import Mode, Route
from adapters.gateway.texts import request_text
from adapters.gateway.upstream import Upstream, UpstreamUnavailable
from adapters.wire.context import was_cut
from adapters.wire.dialects import DIALECTS, DialectName
from adapters.wire.dialects.base import Body, Reply
from prompt_lab.errors import InputTruncated, LabError
from prompt_lab.redact import Redactor

MOST_SHOWN = 4000
"""Characters of an error, of all models that were tried."""


class UpstreamTurn(NamedTuple):
    """One model's turn to answer a call; the last one is given time."""

    upstream: Upstream
    is_last: bool


class CallHandler:
    """Answers calls."""

    def __init__(
        self,
        mode: Mode,
        upstreams: Mapping[str, Upstream],
        recordings: Recordings | None,
        redactor: Redactor,
        books: UsageAccounting,
        *,
        router: CallRouter,
    ) -> None:
        self._mode, self._upstreams, self._recordings = mode, upstreams, recordings
        self._redactor, self._books, self._router = redactor, books, router

    async def handle(
        self, run: TokenRun, name: DialectName, body: Body, request: web.Request
    ) -> web.StreamResponse:
        """The answer, or why there is none, in the client's dialect."""
        begun, client = time.perf_counter(), ClientConnection(request)
        question, record = self._begin(run, name, body)
        try:
            answer = await self._answer(question, body, client, record)
            return await _give(client, answer, record)
        except UpstreamUnavailable as dead:
            return self._refuse(client, record, name, dead)
        except LabError as error:
            return self._refuse(client, record, name, UpstreamUnavailable(str(error), 500))
        except ClientDisconnected as gone:
            record.error = str(gone)
            raise ConnectionResetError from gone
        except asyncio.CancelledError:
            record.error = "the client hung up before its answer"
            raise
        except Exception as error:
            what = f"the gateway failed: {type(error).__name__}: {error}"
            return self._refuse(client, record, name, UpstreamUnavailable(what, 500))
        finally:
            if record.origin == "live":
                record.seconds = time.perf_counter() - begun
                record.waited = sum(attempt.waited for attempt in record.attempts)
            self._router.note(record.attempts)
            self._books.enter(run, question, record)

    def _begin(
        self, run: TokenRun, name: DialectName, body: Body
    ) -> tuple[RecordedRequest, CallRecord]:
        now = time.time()
        question = RecordedRequest(run.id, name, body, self._redactor.body, run.begin(), now)
        if self._mode != "live":
            first = self._upstreams[run.id.models[0]].route
            question.turn = run.turn(question.key(first))
        record = CallRecord(
            run=run.id,
            number=question.number,
            dialect=name,
            key="",
            begun=stamp_of(now),
            streamed=question.streamed,
            request={},
        )
        return question, record

    async def _answer(
        self, question: RecordedRequest, body: Body, client: ClientConnection, record: CallRecord
    ) -> Recorded:
        if self._mode == "replay":
            assert self._recordings is not None
            routes = [self._upstreams[alias].route for alias in question.run.models]
            return _replay(self._recordings, question, routes, record)
        models = self._router.models_for(question.run)
        dead: list[UpstreamUnavailable] = []
        for alias in models:
            upstream, last = self._upstreams[alias], alias == models[-1]
            route = upstream.route
            sent_to = UpstreamTurn(upstream, last)
            try:
                answer = await self._call_upstream(sent_to, question, body, client, record)
            except UpstreamUnavailable as death:
                dead.append(death)
                if client.started:
                    raise
                continue
            _note(record, route, answer, body)
            if self._recordings is not None and self._mode == "record":
                self._recordings.keep(question, route, answer)
            return answer
        raise UpstreamUnavailable("; ".join(map(str, dead)), max(death.status for death in dead))

    async def _call_upstream(
        self,
        turn: UpstreamTurn,
        question: RecordedRequest,
        body: Body,
        client: ClientConnection,
        record: CallRecord,
    ) -> Recorded:
        sent = build_request(turn.upstream, question, body, self._redactor, client.headers)
        return await turn.upstream.ask(sent, client, record.attempts, last=turn.is_last)

    def _refuse(
        self,
        client: ClientConnection,
        record: CallRecord,
        name: DialectName,
        dead: UpstreamUnavailable,
    ) -> web.StreamResponse:
        record.error = self._redactor.text(str(dead))[:MOST_SHOWN]
        record.status = dead.status
        if client.started:
            client.abort()
            raise ConnectionResetError(record.error)
        said = DIALECTS[name].error(dead.status, record.error)
        return plain_response(dead.status, said, "application/json", NO_RETRY)


def _replay(
    recordings: Recordings, question: RecordedRequest, routes: list[Route], record: CallRecord
) -> Recorded:
    """The first model with a recording: where it was dead then, it has none."""
    record.origin = recordings.origin
    for route in routes:
        answer = recordings.find(question, route)
        if answer is not None:
            _note(record, route, answer, question.body)
            record.seconds, record.waited = answer.seconds, answer.waited
            return answer
    raise UpstreamUnavailable(recordings.unknown(question, routes[0]), 422)


def _note(record: CallRecord, route: Route, answer: Recorded, body: Body) -> None:
    reply = answer.reply
    record.answered_by, record.model_id = route.config.alias, _model_name(route, reply)
    record.status = answer.status
    record.answer = answer.data.decode(errors="replace")
    record.finish = InputTruncated.kind if _has_cut(route, body, answer) else reply.finish
    record.counted = answer.status != 200 or reply.input_tokens is not None
    record.input_tokens = reply.input_tokens or 0
    record.output_tokens = reply.output_tokens or 0
    record.cost = route.config.cost(record.input_tokens, record.output_tokens)


def _has_cut(route: Route, body: Body, answer: Recorded) -> bool:
    """Whether an Ollama has read less than it was sent: it says 200 all the same."""
    read = answer.reply.input_tokens
    if route.config.provider != "ollama" or answer.status != 200 or read is None:
        return False
    options = body.get("options")
    asked = options.get("num_ctx") if isinstance(options, Mapping) else None
    context = asked if isinstance(asked, int) and asked > 0 else None
    return was_cut(request_text(body), context, read)


def _model_name(route: Route, reply: Reply) -> str:
    """The model's own name for itself. The embedded one would give a path of this machine."""
    return route.config.id if route.config.provider == "embedded" else reply.model


async def _give(
    client: ClientConnection, answer: Recorded, record: CallRecord
) -> web.StreamResponse:
    if client.started:
        return await client.end(answer.unsent)
    marks = {"x-answered-by": record.answered_by, "x-origin": record.origin}
    if answer.status != 200:
        marks |= NO_RETRY
    return plain_response(answer.status, answer.data, answer.content_type, marks)
