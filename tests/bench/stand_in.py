"""A local stand-in for a model: answers chat completions after a fixed time. No other work.

`python -m tests.bench.stand_in 0.2` prints its port and serves until its standard input closes.
"""

import asyncio
import json
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


def started(latency: float) -> tuple["subprocess.Popen[bytes]", str]:
    """A stand-in in a process of its own, and its base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stand_in", str(latency)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{int(process.stdout.readline())}/v1"


async def serve(latency: float) -> None:
    """Speak just enough HTTP/1.1 to stay out of the measurement's way."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                await reader.readexactly(length)
                await asyncio.sleep(latency)
                writer.write(HEAD + BODY)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
