"""A request as one model's server gets it: passed on, or as chat completions."""

from collections.abc import Mapping

from adapters.gateway.recordings import RecordedRequest
from adapters.gateway.relay import PassOn, Relay, Translate
from adapters.gateway.upstream import Upstream, UpstreamRequest, UpstreamUnavailable
from adapters.wire.dialects import DIALECTS
from adapters.wire.dialects.base import Ask, Body, ReplyHeader, dump
from adapters.wire.dialects.chat import Chat, with_usage
from prompt_lab.redact import Redactor

_CHAT = Chat()
_PASSED = ("anthropic-version", "anthropic-beta", "http-referer", "x-title")
_OURS = {"Accept-Encoding": "identity", "Content-Type": "application/json"}


def build_request(
    upstream: Upstream,
    question: RecordedRequest,
    body: Body,
    redactor: Redactor,
    headers: Mapping[str, str],
) -> UpstreamRequest:
    """What to send; `headers` are the client's, of which few are passed on.

    Raises UpstreamUnavailable if the server does not speak this dialect and the request cannot be
    translated.
    """
    config, dialect = upstream.route.config, question.dialect
    native = question.name in upstream.route.spoken
    spoken = question.name if native else "chat"
    ask = None if native else _ask(question, body)
    wanted = _translated(upstream, question, ask) if ask else body
    wanted = with_usage(wanted) if spoken == "chat" else wanted
    passed = {name: headers[name] for name in _PASSED if name in headers}
    if spoken == "messages":
        passed.setdefault("anthropic-version", "2023-06-01")

    def relay() -> Relay:
        if ask is None:
            return PassOn(dialect, body, redactor)
        ident = f"{question.key(upstream.route)[:16]}-{question.number}"
        return Translate(
            dialect, ReplyHeader(ident, int(question.now), config.id, ask.tool), redactor
        )

    return UpstreamRequest(
        path=DIALECTS[spoken].path,
        data=dump({**upstream.route.extra, **wanted, "model": config.id}),
        headers={**_OURS, **passed, **upstream.auth(spoken)},
        streamed=question.streamed,
        stream_type=DIALECTS[spoken].stream_type,
        given_type=dialect.stream_type,
        relay=relay,
        note=_note(question, ask) if ask else "",
        marks={"x-answered-by": config.alias, "x-origin": "live"},
    )


def _ask(question: RecordedRequest, body: Body) -> Ask:
    """Raises UpstreamUnavailable for a body of which nothing can be made."""
    try:
        return question.dialect.ask(body)
    except (AttributeError, TypeError, LookupError) as error:
        text = f"the body is no request of this kind: {type(error).__name__}: {error}"
        raise UpstreamUnavailable(text, 400) from error


def _translated(upstream: Upstream, question: RecordedRequest, ask: Ask) -> Body:
    alias = upstream.route.config.alias
    if "chat" not in upstream.route.spoken:
        raise UpstreamUnavailable(
            f"{alias} speaks neither {question.name!r} nor chat completions", 400
        )
    if ask.refused:
        what = ", ".join(dict.fromkeys(ask.refused))
        raise UpstreamUnavailable(
            f"{alias} speaks chat completions, which cannot express {what}: "
            f"leave that out, or use a model that speaks {question.name!r} itself",
            400,
        )
    return _CHAT.request(ask) | ({"stream": True} if question.streamed else {})


def _note(question: RecordedRequest, ask: Ask) -> str:
    left = f", without {', '.join(ask.dropped)}" if ask.dropped else ""
    return f"{question.name} put as chat completions{left}"
