"""A local stand-in for a model: answers chat completions after a fixed time. No other work.

`python -m tests.bench.stand_in 0.2` prints its port and serves until its standard input closes.
With a word as the second argument it reads requests: the amount is the second number of the invoice
where the messages hold the word, else the first, so that a change of the prompt has an effect.
"""

import asyncio
import json
import re
import subprocess
import sys

ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "stand-in",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": '{"amount": 2.5}'},
        }
    ],
    "usage": {"prompt_tokens": 50, "completion_tokens": 8, "total_tokens": 58},
}
BODY = json.dumps(ANSWER).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
    BODY
)


NUMBER = re.compile(rb"\d+\.\d+|\d+")


def started(latency: float, word: str = "") -> tuple["subprocess.Popen[bytes]", str]:
    """A stand-in in a process of its own, and its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stand_in", str(latency), *([word] if word else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}/v1"


def _read_invoice(request: bytes, word: bytes) -> bytes:
    """An answer to the request, as a whole response."""
    messages = json.dumps(json.loads(request)["messages"]).encode()
    invoice = messages[messages.rindex(b"Invoice") :]
    amount = NUMBER.findall(invoice)[word in messages].decode()
    message = {"role": "assistant", "content": json.dumps({"amount": float(amount)})}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = json.dumps({**ANSWER, "choices": [choice]}).encode()
    return HEAD.replace(b"%d" % len(BODY), b"%d" % len(body)) + body


async def serve(latency: float, word: bytes = b"") -> None:
    """Speak just enough HTTP/1.1 to stay out of the measurement's way."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                request = await reader.readexactly(length)
                await asyncio.sleep(latency)
                writer.write(_read_invoice(request, word) if word else HEAD + BODY)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), *(word.encode() for word in sys.argv[2:3])))
