"""Who we are on GitHub: a token or an App, from the environment, and passed to git there too."""

import os
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from github import Auth, Github, GithubException, GithubIntegration

from adapters.code_host._github_calls import GitHubCalls
from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError

TOKEN = "GITHUB_TOKEN"
APP_ID, APP_KEY = "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"
INSTALLATION = "GITHUB_APP_INSTALLATION_ID"
TIMEOUT_SECONDS = 30
RIGHTS = {"contents": "write", "pull_requests": "write", "statuses": "write"}
"""What a token of an App is asked for, whatever more the App may do."""


class Access:
    """The one client of a process. A key is read when it is first needed, and never written."""

    def __init__(self, config: GitHubConfig, environ: Mapping[str, str], call: GitHubCalls) -> None:
        self._config = config
        self._environ = environ
        self._call = call
        self._made: tuple[int, Github] | None = None

    @property
    def client(self) -> Github:
        """PyGithub with no retries of its own. Raises CodeHostError where there is no key."""
        # A connection that two processes share after a fork mixes up their answers.
        if self._made is None or self._made[0] != os.getpid():
            # Lazy: what is not asked for costs no call.
            client = Github(auth=self._auth, per_page=100, lazy=True, **self._settings)
            self._made = (os.getpid(), client)
        return self._made[1]

    def check_repository(self) -> None:
        """See once that the key is good, and the repository there under its configured name.

        Git could not say so: it only asks for a password. Raises CodeHostError.
        """
        configured = self._config.repository
        name = self._full_name
        if name.casefold() != configured.casefold():
            raise CodeHostError(
                f"{configured}: the repository is {name!r} by now: correct 'repository' in the"
                " target's config, and the address of the clone's remote"
            )

    @cached_property
    def _full_name(self) -> str:
        def ask() -> str:
            repository = self.client.get_repo(self._config.repository)
            # PyGithub's own `full_name` is made from the URL where the answer has none.
            name = repository.raw_data.get("full_name")
            if not isinstance(name, str):
                raise TypeError("an answer that is no repository")
            return name

        return self._call("find the repository", ask)

    @cached_property
    def login(self) -> str | None:
        """Who our comments are by; None for an App, which may not ask."""
        if isinstance(self._auth, Auth.AppInstallationAuth):
            return None

        def ask() -> str | None:
            try:
                return self.client.get_user().login
            except GithubException as error:
                # The token of a workflow is an App's: GitHub reports no user for it.
                if error.status == 403 and "retry-after" not in (error.headers or {}):
                    return None
                raise

        return self._call("ask whose token this is", ask)

    def git_environment(self) -> dict[str, str]:
        """How git gets the token: for this host alone, and in no file and no argument."""
        if (
            not self._config.git_remote.startswith(("http://", "https://"))
            and not self._has_explicit_name
        ):
            return {}
        self.client  # noqa: B018 -- an App's token is made through it
        token = self._call("make a token for git", lambda: self._auth.token)
        basic = b64encode(f"x-access-token:{token}".encode()).decode()
        self._call.secrets.update((token, basic))
        header = f"http.{self._config.web}/.extraHeader"
        settings = (
            (header, ""),  # one that a checkout action left in the config would be a second one
            (header, f"Authorization: Basic {basic}"),
            ("credential.helper", ""),
            ("http.followRedirects", "false"),
        )
        pairs = {
            f"GIT_CONFIG_{what}_{n}": text
            for n, setting in enumerate(settings)
            for what, text in zip(("KEY", "VALUE"), setting, strict=True)
        }
        return {"GIT_CONFIG_COUNT": str(len(settings)), **pairs}

    @property
    def _has_explicit_name(self) -> bool:
        return ":" not in self._config.remote and "/" not in self._config.remote

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "base_url": self._config.base_url,
            "timeout": TIMEOUT_SECONDS,
            "retry": 0,
            "seconds_between_requests": 0,
            "seconds_between_writes": self._config.pause,
        }

    @cached_property
    def _auth(self) -> Auth.Token | Auth.AppInstallationAuth:
        if self._environ.get(APP_ID):
            return self._installation_auth(Auth.AppAuth(self._environ[APP_ID], self._app_key()))
        token = self._environ.get(TOKEN, "").strip()
        if not token:
            raise CodeHostError(
                f"No key for {self._config.web}: set {TOKEN}, or {APP_ID} and {APP_KEY} of a"
                " GitHub App (docs/github.md says which rights it needs)"
            )
        self._call.secrets.add(token)
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise CodeHostError(
                f"{TOKEN} contains a character that no key has (a line end, or an invisible one): "
                "copy it again"
            )
        return Auth.Token(token)

    def _installation_auth(self, app: Auth.AppAuth) -> Auth.AppInstallationAuth:
        given = self._environ.get(INSTALLATION, "")
        if given:
            if not given.isdecimal():
                raise CodeHostError(f"{INSTALLATION} is {given!r}: give the installation's number")
            return app.get_installation_auth(int(given), RIGHTS)
        owner, _, name = self._config.repository.partition("/")
        everywhere = GithubIntegration(auth=app, **self._settings)
        number = self._call(
            f"find where the App is installed for {self._config.repository!r}",
            lambda: everywhere.get_repo_installation(owner, name).id,
        )
        return app.get_installation_auth(number, RIGHTS)

    def _app_key(self) -> str:
        key = self._environ.get(APP_KEY, "")
        if key.startswith("-----BEGIN"):
            return key
        try:
            return Path(key).expanduser().read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CodeHostError(
                f"{APP_KEY} is neither a PEM key nor the path of a readable one"
            ) from error
