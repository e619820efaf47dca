"""A gateway whose process is forked from this one, where what it imports is loaded already.

An interpreter that starts and imports a gateway takes a second of the processor, a fork a tenth of
one. test_owner.py, test_faults.py and test_clients.py start gateways as commands do.
"""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from adapters.gateway import server
from adapters.gateway.owner import Gateway


class ForkedServer(subprocess.Popen[bytes]):
    """The gateway's process: a child of this one as any, with its own streams and environment."""

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:
        """Fork. The positions are those of subprocess in Python 3.11 to 3.13."""
        env, pipes = given[5], given[9:15]
        self.pid = os.fork()
        if self.pid == 0:
            _serve(args, dict(os.environ if env is None else env), pipes[0], pipes[3])
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


class ForkedGateway(Gateway):
    """Starts faster. All else is the same."""

    POPEN = ForkedServer


def _serve(args: Sequence[str], env: dict[str, str], stdin: int, stdout: int) -> None:
    """Become the server with these streams; end with it."""
    try:
        os.setsid()
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(env)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0)), "utf-8")
        sys.argv = list(args[-2:])
        server.main()
    finally:
        os._exit(1)
