"""The code host of a target on this machine: pull requests are files, branches are git's own."""

from contextlib import AbstractContextManager
from pathlib import Path

from adapters.code_host._merge import (
    advance,
    check_merge,
    check_open,
    contains,
    find_merge,
    make_merge,
)
from adapters.code_host._pulls import Comment, Event, PullFiles, StoredPull, StoredStatus
from adapters.git import Git, branch_head, one_at_a_time
from prompt_lab.errors import CodeHostError, HeadMoved, PullEnded
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import Pull


class LocalHost:
    """ports.CodeHost on files under `root`, one for each pull request.

    Each call ends in one replaced file; a merge moves main first, and a call that finds main
    moved already writes down only that. Nothing is merged or closed before it has a comment.
    """

    def __init__(self, root: Path, repository: Path, work: Path) -> None:
        self._files = PullFiles(root)
        self._folder = root.name
        self._work = work
        self._git = Git(repository, ours=False, raises=CodeHostError)
        inside = repository.resolve().is_relative_to(root.resolve().parent)
        # A lab that is moved with its target inside must still know its pull requests.
        self._name = (
            str(repository.resolve().relative_to(root.resolve().parent))
            if inside
            else str(repository.resolve())
        )

    def refresh(self, base: str) -> None:
        """Raises CodeHostError where there is no such branch: the target is the host itself."""
        self._existing(base)

    def open_pull(self, branch: str, *, base: str, title: str, body: str, when: str) -> Pull:
        """The open pull request of a branch, opened if there is none.

        One that was merged at the branch's present head is returned as it is. Raises
        CodeHostError where there is no such branch, or nothing on it that base lacks.
        """
        with self._locked():
            head = self._existing(branch)
            goal = self._existing(base)
            known = self._find_pull(branch, base, head)
            if known is not None:
                return self._to_record(known)
            self._check_new(branch, base, ends=(goal, head))
            pull = StoredPull(
                number=self._files.next_number(),
                repository=self._name,
                title=title,
                body=body,
                branch=branch,
                base=base,
                history=(Event(what="opened", when=when, note=head),),
            )
            self._files.save(pull)
            return self._to_record(pull)

    def check_branch(self, branch: str, *, base: str) -> None:
        """Raises what open_pull and verify would say of the branch; see ports.CodeHost."""
        head, goal = self._existing(branch), self._existing(base)
        known = self._find_pull(branch, base, head)
        if known is not None:
            check_open(self._to_record(known), base=base)
        self._check_new(branch, base, ends=(goal, head))

    def get(self, number: int) -> Pull:
        """Raises CodeHostError where there is none. `head` is '' where its branch is gone."""
        return self._to_record(self._files.load(number))

    def verify(self, number: int, *, base: str) -> Pull:
        """The pull request, open, into `base`, without a conflict; else see ports.CodeHost."""
        pull = self.get(number)
        check_open(pull, base=base)
        with self._locked():
            ends = (self._existing(base), pull.head)
            when = self._files.load(number).history[0].when
            check_merge(self._git, self._work, ends, when=when)
        return pull

    def comment(self, number: int, *, key: str, body: str, when: str) -> str:
        """Write a comment, or edit the one with the same key. Returns its id."""
        with self._locked():
            pull = self._files.load(number)
            keys = [comment.key for comment in pull.comments]
            if key not in keys:
                new = (*pull.comments, Comment(key=key, body=body, created=when))
                self._files.save(pull.after(_event("commented", when, key), comments=new))
            elif pull.comments[keys.index(key)].body != body:
                edit = {"body": body, "edited": when}
                new = tuple(
                    old.model_copy(update=edit) if old.key == key else old for old in pull.comments
                )
                self._files.save(pull.after(_event("edited", when, key), comments=new))
            return f"{number}-{[*keys, key].index(key) + 1}"

    def comments(self, number: int) -> dict[str, str]:
        """key -> body, oldest first."""
        return {comment.key: comment.body for comment in self._files.load(number).comments}

    def label(self, number: int, label: str, *, when: str) -> None:
        """Add a label."""
        with self._locked():
            pull = self._files.load(number)
            if label not in pull.labels:
                labels = (*pull.labels, label)
                self._files.save(pull.after(_event("labelled", when, label), labels=labels))

    def unlabel(self, number: int, label: str, *, when: str) -> None:
        """Take a label off, if it is there."""
        with self._locked():
            pull = self._files.load(number)
            if label in pull.labels:
                labels = tuple(other for other in pull.labels if other != label)
                self._files.save(pull.after(_event("unlabelled", when, label), labels=labels))

    def status(self, number: int, *, commit: str, outcome: Outcome, text: str, when: str) -> None:
        """Write the verdict on a commit into the file, in the place of an earlier one."""
        with self._locked():
            pull = self._files.load(number)
            judged = StoredStatus(commit=commit, outcome=outcome, text=text)
            if judged not in pull.statuses:
                others = tuple(old for old in pull.statuses if old.commit != commit)
                event = _event("judged", when, f"{outcome.value} {commit}")
                self._files.save(pull.after(event, statuses=(*others, judged)))

    def merge(self, number: int, *, expected_head: str, message: str, when: str) -> str:
        """Merge without fast-forward; returns the merge commit.

        Raises HeadMoved, MergeConflict, PullEnded, or CodeHostError if it has no comment yet.
        """
        with self._locked():
            pull = self._files.load(number)
            if pull.state is PullState.MERGED and pull.head == expected_head:
                return pull.merged_commit
            self._check_may_end(pull)
            merged = find_merge(self._git, pull.base, expected_head)
            if merged is None:
                self._check_head(pull, expected_head)
                merged = self._merge(pull, expected_head, message=message, when=when)
            self._end(pull, PullState.MERGED, when, head=expected_head, merged_commit=merged)
            return merged

    def close(self, number: int, *, when: str) -> None:
        """Close without merging. Raises PullEnded if it is merged; it must have a comment."""
        with self._locked():
            pull = self._files.load(number)
            if pull.state is not PullState.CLOSED:
                self._check_may_end(pull)
                head = branch_head(self._git, pull.branch) or ""
                self._end(pull, PullState.CLOSED, when, head=head)

    def _merge(self, pull: StoredPull, head: str, *, message: str, when: str) -> str:
        main = self._existing(pull.base)
        if contains(self._git, main, head):
            return head  # a user has moved main on to the branch by hand
        merged = make_merge(self._git, self._work, (main, head), message=message, when=when)
        advance(self._git, pull.base, old=main, new=merged)
        return merged

    def _find_pull(self, branch: str, base: str, head: str) -> StoredPull | None:
        """The newest pull request of a branch that is open, or was merged at this head."""
        for pull in reversed(self._files.all()):
            if (pull.repository, pull.branch, pull.base) == (self._name, branch, base) and (
                pull.state is PullState.OPEN
                or (pull.state is PullState.MERGED and pull.head == head)
            ):
                return pull
        return None

    def _check_new(self, branch: str, base: str, *, ends: tuple[str, str]) -> None:
        if contains(self._git, *ends):
            raise CodeHostError(
                f"{self._git.folder}: branch {branch!r} has no commit that {base!r} lacks:"
                " commit the change there first"
            )

    def _check_may_end(self, pull: StoredPull) -> None:
        where = f"{self._files.path(pull.number)}: pull request #{pull.number}"
        if pull.state is not PullState.OPEN:
            raise PullEnded(f"{where} is {pull.state.value} already, at {pull.head!r}")
        if not pull.comments:
            raise CodeHostError(f"{where} has no comment: the verdict is written on it first")

    def _check_head(self, pull: StoredPull, expected: str) -> None:
        head = branch_head(self._git, pull.branch)
        if head != expected:
            stands = f"stands at {head!r}" if head else "is gone"
            raise HeadMoved(
                f"{self._git.folder}: branch {pull.branch!r} {stands}, but {expected!r} was"
                f" tested: the head has moved, so #{pull.number} is not merged; test it again"
            )

    def _end(self, pull: StoredPull, state: PullState, when: str, **changes: str) -> None:
        note = changes.get("merged_commit", changes["head"])
        ended = pull.after(_event(state.value, when, note), state=state, **changes)
        self._files.save(ended)

    def _existing(self, branch: str) -> str:
        head = branch_head(self._git, branch)
        if head is None:
            raise CodeHostError(f"{self._git.folder}: there is no branch {branch!r}")
        return head

    def _to_record(self, pull: StoredPull) -> Pull:
        opened = pull.state is PullState.OPEN
        head = (branch_head(self._git, pull.branch) or "") if opened else pull.head
        return Pull(
            number=pull.number,
            url=f"{self._folder}/{self._page_or_record(pull.number).name}",
            title=pull.title,
            body=pull.body,
            branch=pull.branch,
            head=head,
            base=pull.base,
            state=pull.state,
            labels=pull.labels,
            merged_commit=pull.merged_commit,
        )

    def _page_or_record(self, number: int) -> Path:
        """Its page; one that was last changed before there were pages has its record alone."""
        page = self._files.page(number)
        return page if page.exists() else self._files.path(number)

    def _locked(self) -> AbstractContextManager[None]:
        return one_at_a_time(self._files.lock)


def _event(what: str, when: str, note: str) -> Event:
    return Event(what=what, when=when, note=note)
