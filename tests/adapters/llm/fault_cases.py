"""The table of what servers do wrong: what they send, and what a caller must get."""

import gzip
import json
import zlib
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.adapters.llm.faulty_server import (
    Script,
    bomb,
    chunked,
    deflate_bomb,
    drip,
    flood,
    head,
    reset,
    respond,
    send,
    stay_silent,
)
from tests.adapters.llm.formats import CHAT, Format

TRANSIENT, REFUSED, UNUSABLE = "TransientError", "CallRefused", "ModelUnavailable"


@dataclass(frozen=True)
class FaultCase:
    """`outcome` is the name of an error, or '' where the answer is good; `says` is in its text."""

    name: str
    script: Script
    outcome: str = TRANSIENT
    says: str = ""
    finish: str = "stop"
    pauses: tuple[float, ...] | None = None
    slow: bool = False


_BACKOFF = (0.5, 1.0, 2.0, 4.0)


def time_cases(form: Format) -> list[FaultCase]:
    """Servers that take for ever."""
    good = form.good()
    length = str(len(good))
    noise = "".join(sha256(str(number).encode()).hexdigest() for number in range(200))
    packed = gzip.compress(json.dumps({"noise": noise}).encode())
    return [
        FaultCase("no byte", stay_silent(), says="in time", slow=True),
        FaultCase("half a status line", stay_silent(b"HTTP/1.1 20"), says="in time", slow=True),
        FaultCase("head without an end", stay_silent(head()[:-2]), says="in time", slow=True),
        FaultCase(
            "no body after the head",
            stay_silent(head(Content_Length="9")),
            says="in time",
            slow=True,
        ),
        FaultCase(
            "half a body",
            stay_silent(head(Content_Length=length) + good[:50]),
            says="in time",
            slow=True,
        ),
        FaultCase(
            "a byte of the status at a time",
            drip(b"HTTP/1.1 200 OKKKKKK"),
            says="in time",
            slow=True,
        ),
        FaultCase(
            "a byte of a header at a time", drip(b"x", first=b"HTTP/1.1 200 X\r\na: "), slow=True
        ),
        FaultCase(
            "a byte of the body at a time",
            drip(b" ", first=head(Content_Length="999999")),
            says="in time",
            slow=True,
        ),
        FaultCase("a body without an end at a time", drip(b" ", first=head()), slow=True),
        FaultCase(
            "a chunk at a time",
            drip(b"1\r\n \r\n" * 400, 0.002, first=head(Transfer_Encoding="chunked")),
            says="in time",
            slow=True,
        ),
        FaultCase(
            "a chunk's size without an end",
            drip(b"0", first=head(Transfer_Encoding="chunked")),
            says="in time",
            slow=True,
        ),
        FaultCase(
            "gzip a byte at a time",
            # So long that its end, or the broken data that would follow, never comes.
            drip(packed[20:], first=head(Content_Encoding="gzip") + packed[:20]),
            slow=True,
        ),
        FaultCase("continue for ever", flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), slow=True),
        FaultCase("headers for ever", flood(b"HTTP/1.1 200 X\r\n", b"a: b\r\n" * 50)),
        FaultCase("a header line for ever", flood(b"HTTP/1.1 200 X\r\na: ", b"b" * 4096)),
        FaultCase("an error a byte at a time", drip(b" ", first=head(500)), slow=True),
    ]


def size_cases(form: Format) -> list[FaultCase]:
    """Bodies that are too large, or say so."""
    good = form.good()
    return [
        FaultCase("body for ever", flood(head(), b" " * 65536), says="8,388,608"),
        FaultCase(
            "chunks for ever",
            flood(head(Transfer_Encoding="chunked"), b"4000\r\n" + b" " * 0x4000 + b"\r\n"),
            says="8,388,608",
        ),
        FaultCase("body of 9 MB", respond(200, b" " * (9 << 20)), says="8,388,608"),
        FaultCase("an error of 9 MB", respond(500, b"x" * (9 << 20)), says="8,388,608"),
        FaultCase("a refusal for ever", flood(head(400), b"x" * 65536), says="8,388,608"),
        FaultCase("gzip bomb", respond(200, bomb(64), Content_Encoding="gzip"), says="8,388,608"),
        FaultCase(
            "deflate bomb",
            respond(200, deflate_bomb(64), Content_Encoding="deflate"),
            says="8,388,608",
        ),
        FaultCase(
            "gzip in gzip",
            respond(200, gzip.compress(bomb(64), 1), Content_Encoding="gzip, gzip"),
            says="encoding",
        ),
        FaultCase(
            "length of terabytes",
            send(head(Content_Length="9" * 15) + b" ", end=True),
            says="early",
        ),
        FaultCase("good and long", respond(200, form.answer("a" * (4 << 20))), ""),
        FaultCase(
            "good and compressed", respond(200, gzip.compress(good), Content_Encoding="gzip"), ""
        ),
        FaultCase(
            "good and deflated", respond(200, zlib.compress(good), Content_Encoding="deflate"), ""
        ),
    ]


def shape_cases(form: Format) -> list[FaultCase]:
    """Bodies that are no answer, or an odd one."""
    good = form.good()
    return [
        FaultCase(
            "nested 200,000 deep", respond(200, b"[" * 200_000 + b"]" * 200_000), says="100 levels"
        ),
        FaultCase(
            "objects nested 200,000 deep",
            respond(200, b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
            says="100 levels",
        ),
        FaultCase("nested and unbalanced", respond(200, b"[" * 900_000), says="100 levels"),
        FaultCase(
            "nested behind a choice",
            respond(200, good[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
            says="100 levels",
        ),
        FaultCase(
            "millions of objects", respond(200, b"[" + b"{}," * 2_700_000 + b"{}]"), says="values"
        ),
        FaultCase(
            "millions of numbers", respond(200, b"[" + b"1," * 4_000_000 + b"1]"), says="values"
        ),
        FaultCase("brackets in a text", respond(200, form.answer("[" * 100_000)), ""),
        FaultCase("escaped quotes and brackets", respond(200, form.answer('\\"[{' * 50_000)), ""),
        FaultCase("a text without an end", respond(200, b'{"a": "' + b'\\"[' * 100_000)),
        FaultCase(
            "tokens of 400 digits", respond(200, form.with_tokens("9" * 400)), says="100 characters"
        ),
        FaultCase(
            "tokens of 5,000 digits",
            respond(200, form.with_tokens("9" * 5000)),
            says="100 characters",
        ),
        FaultCase("tokens of 1e999", respond(200, form.with_tokens("1e999")), ""),
        FaultCase("tokens of 10**30", respond(200, form.with_tokens("1" + "0" * 30)), ""),
        FaultCase("tokens below 0", respond(200, form.with_tokens("-9")), ""),
        FaultCase("tokens that are a text", respond(200, form.with_tokens('"9"')), ""),
        FaultCase("tokens that are true", respond(200, form.with_tokens("true")), ""),
        FaultCase("tokens that are NaN", respond(200, form.with_tokens("NaN"))),
        FaultCase("no usage", respond(200, form.without_tokens()), ""),
        FaultCase("digits in a text", respond(200, form.answer("9" * 5000)), ""),
        FaultCase("nothing", respond(200, b"")),
        FaultCase("a page", respond(200, b"<html>busy</html>", Content_Type="text/html")),
        FaultCase("null", respond(200, b"null")),
        FaultCase("a number", respond(200, b"42")),
        FaultCase("a list", respond(200, b"[]")),
        FaultCase("an empty object", respond(200, b"{}")),
        FaultCase("an error with status 200", respond(200, {"error": {"message": "overloaded"}})),
        *(FaultCase(name, respond(200, body)) for name, body in form.not_answers.items()),
        FaultCase("half of the JSON", respond(200, good[: len(good) // 2])),
        FaultCase("not UTF-8", respond(200, b'{"a": "\xff\xfe"}')),
        FaultCase("twice", respond(200, good + good)),
        FaultCase("good as text/plain", respond(200, good, Content_Type="text/plain"), ""),
        FaultCase("good without a type", respond(200, good, Content_Type=""), ""),
    ]


def finish_cases(form: Format) -> list[FaultCase]:
    """Reasons for the end of an answer, and forms of it."""
    found = [FaultCase(name, respond(200, body), "") for name, body in form.odd_answers().items()]
    found += [
        FaultCase(f"ended by {said}", respond(200, form.answer("yes", said)), "", finish=finish)
        for said, finish in form.finishes.items()
    ]
    if form.name != "chat":
        return found
    refused = {"role": "assistant", "content": None, "refusal": "I cannot."}
    return [
        *found,
        FaultCase("refused", respond(200, _choice(refused)), "", finish="refusal"),
        FaultCase("no reason", respond(200, _choice({"content": "yes"}, None)), ""),
        FaultCase("a choice that is an error", respond(200, _choice({"content": "a"}, "error"))),
    ]


def _choice(message: dict[str, Any], reason: object = "stop") -> dict[str, Any]:
    message = {"role": "assistant", **message}
    choice = {"index": 0, "finish_reason": reason, "message": message}
    return CHAT.answer("", choices=[choice])


def connection_cases(form: Format) -> list[FaultCase]:
    """Connections that break, and odd HTTP."""
    good = form.good()
    length = str(len(good))
    return [
        FaultCase("reset at once", reset(), says="broke"),
        FaultCase("reset in the head", reset(head()[:20]), says="broke"),
        FaultCase("reset in the body", reset(head(Content_Length=length) + good[:40])),
        FaultCase("closed at once", send(b"", end=True)),
        FaultCase(
            "closed in the body",
            send(head(Content_Length=length) + good[:40], end=True),
            says="early",
        ),
        FaultCase("closed before the last chunk", send(chunked(good, last=b""), end=True)),
        FaultCase(
            "closed in a chunk",
            send(head(Transfer_Encoding="chunked") + b"ffff\r\n" + good, end=True),
        ),
        FaultCase(
            "a chunk's size that is none",
            send(head(Transfer_Encoding="chunked") + b"zz\r\n" + good, end=True),
        ),
        FaultCase(
            "a chunk's size below 0",
            send(head(Transfer_Encoding="chunked") + b"-5\r\n" + good, end=True),
        ),
        FaultCase(
            "half of the gzip", respond(200, gzip.compress(good)[:-9], Content_Encoding="gzip")
        ),
        FaultCase(
            "gzip that is none", respond(200, good, Content_Encoding="gzip"), says="compression"
        ),
        FaultCase(
            "an encoding that is unknown",
            respond(200, good, Content_Encoding="br"),
            says="encoding",
        ),
        FaultCase("no HTTP", send(b"SSH-2.0-OpenSSH_9.6\r\n", end=True), says="broke"),
        FaultCase("HTTP of another age", send(b"HTTP/9.9 200 OK\r\n\r\n", end=True), says="broke"),
        FaultCase(
            "a status that is none", send(b"HTTP/1.1 abc OK\r\n\r\n", end=True), says="broke"
        ),
        FaultCase("good in chunks", send(chunked(good[:9], good[9:])), ""),
        FaultCase("good until the end", send(head() + good, end=True), ""),
        FaultCase(
            "good and closed",
            send(head(Content_Length=length, Connection="close") + good, end=True),
            "",
        ),
        FaultCase(
            "good and more behind it",
            send(head(Content_Length=length) + good + b"HTTP/1.1 200 X\r\n"),
            "",
        ),
    ]


STATUS = [
    *(
        FaultCase(
            f"redirect {status}",
            respond(status, b"", Location="http://127.0.0.1:9/v1"),
            UNUSABLE,
            says="redirects",
        )
        for status in (301, 302, 303, 307, 308)
    ),
    *(FaultCase(f"status {status}", respond(status, {}), UNUSABLE) for status in (204, 206, 304)),
    *(
        FaultCase(f"status {status}", respond(status, {"error": {"message": "no"}}), UNUSABLE)
        for status in (401, 402, 403, 404, 405, 410)
    ),
    *(
        FaultCase(f"status {status}", respond(status, {"error": {"message": "too long"}}), REFUSED)
        for status in (400, 413, 422)
    ),
    *(
        FaultCase(f"status {status}", respond(status, b"busy"), pauses=_BACKOFF)
        for status in (408, 409, 425, 429, 500, 502, 503, 529)
    ),
    FaultCase("an error that is a page", respond(400, b"<html>no</html>"), REFUSED),
    FaultCase("an error nested deep", respond(400, b"[" * 100_000), REFUSED),
]
PATIENCE = [
    FaultCase(
        f"wait {wish!r}",
        respond(429, b"", Retry_After=wish),
        pauses=(pause,) * 4 if isinstance(pause, float) else pause,
    )
    for wish, pause in (
        ("7", 7.0),
        ("0", 0.0),
        ("1e9", 60.0),
        ("inf", 60.0),
        ("-1", _BACKOFF),
        ("-inf", _BACKOFF),
        ("NaN", _BACKOFF),
        ("soon", _BACKOFF),
        ("9" * 400, 60.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 99 Jan 99999 00:00:00 GMT", _BACKOFF),
    )
]


def cases_of(form: Format) -> list[FaultCase]:
    """All that a server of this format may do wrong."""
    by_format = (time_cases, size_cases, shape_cases, finish_cases, connection_cases)
    return [*(case for make in by_format for case in make(form)), *STATUS, *PATIENCE]


def quick(cases: list[FaultCase]) -> list[FaultCase]:
    """Without those that take as long as a model is given."""
    return [case for case in cases if not case.slow]
