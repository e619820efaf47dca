"""What the routes of the web app share: the lab, its readers, keys and sessions; who asks.

Dependencies are coroutines: FastAPI would send each plain function to a thread.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, HTTPException, Request

from pipeline.web.keys import WebKeys
from pipeline.web.production import Notices, ProductionDoor
from pipeline.web.review_tasks import ReviewTasks
from pipeline.web.sessions import COOKIE, Session, Sessions, is_same_token
from pipeline.web.shield import RequestLimits
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import StoreError
from prompt_lab.promptops.contract import PromptOps, read_config
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.report.registry_page import Viewer
from prompt_lab.report.registry_view import RegistryView
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_reader import Prompts

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PAGES = (
    ("Prompts", "/prompts"),
    ("History", "/history"),
    ("Ledger", "/lab/index.html"),
    ("Service", "/promptops"),
)
REVIEWS = ("Reviews", "/reviews")
RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class WebSettings:
    """How the app is served. Without `open_reading`, readers too need a key."""

    open_reading: bool = True
    hosts: frozenset[str] = LOOPBACK
    limits: RequestLimits = field(default_factory=RequestLimits)
    ping_seconds: float = 2.0
    most_listeners: int = 2000
    api_key: str = field(default="", repr=False)
    """WEB_API_KEY: opens /api/admin. Without it only keys of the lab do."""
    webhook_secret: str = field(default="", repr=False)
    promptops: PromptOpsConfig | None = None
    """Default: those of the lab's own lab.yaml."""


class ChangeHub:
    """Informs the event streams of one event loop that the pointer has changed."""

    def __init__(self) -> None:
        self.is_closed = False
        self._listeners: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Use the running loop."""
        self._loop = asyncio.get_running_loop()

    def notify(self) -> None:
        """Wake all listeners; may be called from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """End all streams, so that the server can end. From the loop's own thread."""
        self.is_closed = True
        self._wake()

    def count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set at each change."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    def _wake(self) -> None:
        for event in self._listeners:
            event.set()


class WebContext:
    """One lab, served."""

    def __init__(
        self, lab: Lab, settings: WebSettings, production: ProductionDoor | None = None
    ) -> None:
        self.lab = lab
        self.settings = settings
        self.view = RegistryView(lab)
        self.keys = WebKeys(lab)
        self.sessions = Sessions(self.keys)
        self.hub = ChangeHub()
        self.tasks = ReviewTasks(lab)
        self.notices = Notices()
        self._production = production
        self._prompts: Prompts | None = None
        self._promptops: PromptOps | None = None
        self._opening = threading.Lock()

    @property
    def prompts(self) -> Prompts:
        """The lab's prompts in process. Raises StoreError before the first import."""
        if self._prompts is None:
            with self._opening:
                if self._prompts is None:
                    self._prompts = Prompts(self.lab.root, on_change=self.hub.notify)
        return self._prompts

    @property
    def has_promptops(self) -> bool:
        """Whether the contract API is open already."""
        return self._promptops is not None

    @property
    def promptops(self) -> PromptOps:
        """The contract API over the lab. Raises ConfigError for a damaged lab.yaml."""
        if self._promptops is None:
            with self._opening:
                if self._promptops is None:
                    config = self.settings.promptops or read_config(self.lab)
                    self._promptops = PromptOps(self.lab, config)
        return self._promptops

    @property
    def pages(self) -> tuple[tuple[str, str], ...]:
        """(name, path) of the navigation."""
        return PAGES if self._production is None else (PAGES[0], REVIEWS, *PAGES[1:])

    @property
    def production(self) -> ProductionDoor:
        """The production loop. Raises StoreError where the app was given none."""
        if self._production is None:
            raise StoreError("The store of traces and reviews is not set up on this server.")
        return self._production

    async def wait_for_prompts(self) -> None:
        """Open the reader as soon as the lab has prompts."""
        while True:
            try:
                await asyncio.to_thread(lambda: self.prompts)
            except StoreError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.hub.notify()
                return

    def close(self) -> None:
        """End the watching threads, and write the metric rows that wait."""
        if self._prompts is not None:
            self._prompts.close()
        if self._promptops is not None:
            self._promptops.close()

    def read_state(self) -> dict[str, str]:
        """What an event says: the current snapshot, and since when it is stale ('': it is not)."""
        prompts = self.prompts
        first = prompts.get(prompts.list_prompts()[0])
        return {"snapshot": first.snapshot, "stale_since": first.stale_since}


async def get_context(request: Request) -> WebContext:
    """The context of the app that serves a request."""
    context: WebContext = request.app.state.context
    return context


Context = Annotated[WebContext, Depends(get_context)]


async def find_session(request: Request, context: Context) -> Session | None:
    """The session of the request's cookie."""
    return context.sessions.find(request.cookies.get(COOKIE, ""))


CurrentSession = Annotated[Session | None, Depends(find_session)]


async def require_reader(request: Request, context: Context, session: CurrentSession) -> None:
    """Raises 401 unless reading is open, or a session or a key comes with the request."""
    if context.settings.open_reading or session is not None:
        return
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    given = key if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not given or context.keys.find(given.strip()) is None:
        raise HTTPException(
            401,
            "Reading takes a key: send it as 'Authorization: Bearer'.",
            {"www-authenticate": "Bearer"},
        )


async def get_viewer(request: Request, session: CurrentSession) -> Viewer:
    """Who looks, for the page's bar and forms."""
    pages = (await get_context(request)).pages
    page = next((p for _, p in pages if request.url.path.startswith(p)), "")
    if session is None:
        return Viewer(page, pages)
    may_change = session.key.role == "operator"
    return Viewer(page, pages, session.key.name, session.csrf, may_change)


PageViewer = Annotated[Viewer, Depends(get_viewer)]


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that this server's own page sent. Raises 403 for another page's."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise HTTPException(403, "The form was sent by another site.")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "The form was sent by another site.")
    try:
        text = (await request.body()).decode("utf-8")
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise HTTPException(400, "The form cannot be read.") from None
    return {name: values[-1] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(read_form)]


async def require_operator(session: CurrentSession, form: Form) -> Actor:
    """The person behind a form. Raises 401 without a session, 403 without its token or role."""
    if session is None:
        raise HTTPException(401, "Log in first.")
    if not is_same_token(session.csrf, form.get("csrf", "")):
        raise HTTPException(403, "The form is not of this session: open the page again.")
    if session.key.role != "operator":
        raise HTTPException(403, f"The key {session.key.name!r} may read only.")
    return Actor(name=session.key.name, kind=ActorKind.PERSON)


Operator = Annotated[Actor, Depends(require_operator)]
