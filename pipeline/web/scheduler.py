"""`make scheduler`: luigid's web page, and beside it a server for the lab's own pages."""

import os
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pipeline.settings import default_configs
from pipeline.wiring import lab_context, load_adapter
from prompt_lab.errors import LabError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.ledger import render_ledger
from prompt_lab.store.files import disk_errors
from prompt_lab.store.sealed import may_be_shown

LUIGID_PORT = 8082
PAGES_PORT = 8083


class LabPages(SimpleHTTPRequestHandler):
    """The lab's index and iterations, on loopback only; plans, work and the target stay closed.

    The index is rendered at each request, so that it shows the iteration that is under way.
    """

    OPEN = ("/analysis/", "/history/", "/pulls/", "/pages/", "/noise_floor/")

    def __init__(self, *args: Any, context: LabContext, **kwargs: Any) -> None:
        self._context = context
        super().__init__(*args, directory=str(context.lab.root), **kwargs)

    def do_GET(self) -> None:
        """Pages and records; everything else is 404."""
        path = self.path.split("?")[0]
        if path in ("/", "/index.html"):
            self._send_index()
        elif not path.startswith(self.OPEN) or ".." in path or self._is_closed(path):
            self.send_error(404)
        elif self.command == "HEAD":
            super().do_HEAD()
        else:
            super().do_GET()

    do_HEAD = do_GET

    def _is_closed(self, path: str) -> bool:
        found = Path(self.translate_path(path))
        return not may_be_shown(found.parent, found.name)

    def _send_index(self) -> None:
        try:
            page = render_ledger(self._context).encode()
        except LabError as error:
            self.send_error(503, explain=str(error))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    def log_message(self, *args: object) -> None:
        """Say nothing: the terminal belongs to luigid."""


def serve_pages(context: LabContext, port: int) -> ThreadingHTTPServer:
    """Serve a lab in a thread. Returns the server; its port is in `server_address`."""
    handler = partial(LabPages, context=context)
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(luigid_port: int = LUIGID_PORT, pages_port: int = PAGES_PORT) -> int:
    """Run both until Ctrl-C."""
    try:
        context = lab_context()
        lab = context.lab
        with disk_errors(lab.work):
            lab.work.mkdir(parents=True, exist_ok=True)
        load_adapter("git", "exclude")(lab.root)
        for port in (luigid_port, pages_port):
            _refuse_taken(port)
        serve_pages(context, pages_port)
    except (LabError, OSError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    print(
        f"luigid      http://127.0.0.1:{luigid_port}\nlab's pages http://127.0.0.1:{pages_port}",
        flush=True,
    )
    print(
        f"Then, in another terminal:\n  LUIGI_CONFIG_PATH={_luigid_settings()} prompt-lab iterate",
        flush=True,
    )
    luigid = str(Path(sys.executable).with_name("luigid"))
    state = str(lab.work / "luigid.pickle")
    command = [luigid, "--address", "127.0.0.1", "--port", str(luigid_port), "--state-path", state]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with subprocess.Popen(command, env=os.environ) as daemon:
        try:
            return daemon.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            daemon.terminate()  # a luigid that outlives this would hold the port


def _luigid_settings() -> Path:
    """The shipped luigid.cfg, by the path that is shortest from here."""
    path = default_configs() / "luigid.cfg"
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _refuse_taken(port: int) -> None:
    """Raises LabError where something listens already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(
                f"port {port} is in use ({error.strerror}): end the process that uses it."
            ) from error


if __name__ == "__main__":
    sys.exit(main())
