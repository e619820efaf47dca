"""The web app of a lab. A new page is a router below."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from pipeline.web import (
    lab_pages,
    login,
    metrics,
    production_api,
    production_pages,
    promptops_api,
    promptops_pages,
    reading,
    registry_pages,
)
from pipeline.web.context import WebContext, WebSettings, find_session, get_viewer
from pipeline.web.production import ProductionDoor
from pipeline.web.registry_pages import Page
from pipeline.web.shield import RequestShield
from prompt_lab.errors import LabBusy, LabError, StoreError, UnknownName, UsageError
from prompt_lab.prompts.snapshots import PromotionRefused
from prompt_lab.report.registry_page import render_message
from prompt_lab.store.layout import Lab

ROUTERS = (
    reading.router,
    promptops_api.router,
    promptops_pages.router,
    metrics.router,
    login.router,
    registry_pages.router,
    lab_pages.router,
)
PRODUCTION_ROUTERS = (production_pages.router, production_api.router, production_api.webhooks)
_HEADINGS = {
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    409: "Not done",
    503: "Not available",
}
_STATUSES: tuple[tuple[type[LabError], int], ...] = (
    (UnknownName, 404),
    (PromotionRefused, 409),
    (StoreError, 503),
    (LabBusy, 409),
    (UsageError, 422),
)


def create_app(
    lab: Lab, settings: WebSettings | None = None, production: ProductionDoor | None = None
) -> FastAPI:
    """The app that serves one lab; pages and API of the production loop only with `production`."""
    context = WebContext(lab, settings or WebSettings(), production)

    @asynccontextmanager
    async def run(_app: FastAPI) -> AsyncIterator[None]:
        context.hub.bind()
        opening = asyncio.create_task(context.wait_for_prompts())
        yield
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
        context.close()

    app = FastAPI(
        title="Prompt Lab",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=run,
    )
    app.state.context = context
    for router in (*ROUTERS, *(PRODUCTION_ROUTERS if production is not None else ())):
        app.include_router(router)
    _add_error_pages(app)
    app.add_middleware(RequestShield, limits=context.settings.limits, hosts=context.settings.hosts)
    return app


def _add_error_pages(app: FastAPI) -> None:
    """Answer each error in the form that was asked for; no answer holds a trace."""

    async def answer(request: Request, status: int, text: str, headers: Any = None) -> Response:
        if request.url.path.startswith(("/api/", "/ofrep/")):
            return JSONResponse({"error": text}, status, headers)
        context: WebContext = request.app.state.context
        viewer = await get_viewer(request, await find_session(request, context))
        heading = _HEADINGS.get(status, "That did not work")
        return Page(render_message(viewer, heading, text), status)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await answer(request, error.status_code, str(error.detail), error.headers)

    async def on_lab_error(request: Request, error: Exception) -> Response:
        status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 500)
        return await answer(request, status, str(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        names = ", ".join(str(one["loc"][-1])[:100] for one in error.errors())
        names = names.encode("utf-8", "replace").decode()
        return await answer(
            request, 422, f"The request lacks these fields, or they are wrong: {names}."
        )

    handlers: dict[type[Exception], Callable[..., Any]] = {
        HTTPException: on_http,
        LabError: on_lab_error,
        RequestValidationError: on_invalid,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
