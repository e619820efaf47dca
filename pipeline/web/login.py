"""Login and logout: an API key is exchanged for a session cookie."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from pipeline.web.context import Context, CurrentSession, Form, PageViewer
from pipeline.web.registry_pages import Page
from pipeline.web.sessions import COOKIE, LIFETIME_SECONDS, is_same_token
from prompt_lab.report.registry_page import render_login

router = APIRouter()
_REFUSED = "That key is not known. Check that all of it was copied."


@router.get("/login")
def show_login(viewer: PageViewer, next: str = "/prompts") -> Page:
    """The form."""
    return Page(render_login(viewer, _own_path(next)))


@router.post("/login")
def log_in(request: Request, context: Context, viewer: PageViewer, form: Form) -> Response:
    """Start a session for a key that is known."""
    following = _own_path(form.get("next", ""))
    token = context.sessions.start(form.get("key", "").strip())
    if token is None:
        return Page(render_login(viewer, following, _REFUSED), 401)
    answer = RedirectResponse(following, 303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(LIFETIME_SECONDS),
        httponly=True,
        samesite="lax",  # a page of the ledger is of another origin, and links here
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
def log_out(
    request: Request, context: Context, session: CurrentSession, form: Form
) -> RedirectResponse:
    """End the session."""
    if session is not None:
        if not is_same_token(session.csrf, form.get("csrf", "")):
            raise HTTPException(403, "The form is not of this session: open the page again.")
        context.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/prompts", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _own_path(path: str) -> str:
    """A path of this server; anything else would lead to another site.

    >>> _own_path("/history?before=3"), _own_path("//evil.example"), _own_path("https://evil")
    ('/history?before=3', '/prompts', '/prompts')
    """
    good = path.startswith("/") and path.isprintable() and "\\" not in path
    return path if good and not path.startswith("//") else "/prompts"
