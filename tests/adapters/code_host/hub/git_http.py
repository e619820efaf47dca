"""A bare repository over HTTP, by the program that git brings along for it."""

import os
import subprocess
from pathlib import Path

from tests.adapters.code_host.hub.wire import Call, Reply

ASK_FOR_A_KEY = Reply(401, {}, {"WWW-Authenticate": 'Basic realm="hub"'})


def serve_git(root: Path, call: Call) -> Reply:
    """What git's own back end answers for a repository under `root`."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": call.path,
        "REQUEST_METHOD": call.method,
        "QUERY_STRING": "&".join(f"{key}={value}" for key, value in call.query.items()),
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(call.body)),
        "HTTP_CONTENT_ENCODING": call.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": call.headers.get("git-protocol", ""),
        "REMOTE_USER": "lab",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    done = subprocess.run(
        ["git", "http-backend"], input=call.body, env=environment, capture_output=True, check=True
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split(" ")[0])
    return Reply(status, None, headers, body)
