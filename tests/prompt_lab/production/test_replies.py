"""The grammar of replies: phrasings with what they mean, and texts that never deploy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompt_lab.production.replies import ReplyAction, ReviewReply, parse_reply
from prompt_lab.production.reply_words import DEPLOY_WORDS, read_words

ALL = """deploy all|Deploy all|DEPLOY ALL|deploy all.|deploy all!|please deploy all
deploy all please|deploy everything|deploy every change|apply all|apply all changes
apply all prompt changes|ship all
release all|approve all|ok deploy all|yes, deploy all|deploy|deploy now|all: deploy|"deploy all"
roll out all|rollout everything|ok, go ahead and deploy all|deploy all 👍|deploy all, thanks
• "deploy all" — apply all prompt changes|ｄｅｐｌｏｙ　ａｌｌ|alles ausrollen|bitte deploye alles
déployer tout|despliega todo|distribuisci tutto|implantar tudo|alles uitrollen|разверни всё
部署全部|すべてデプロイ|hepsini dağıt"""
CHOSEN = {
    "deploy 3": (3,),
    "Deploy item 3": (3,),
    "deploy #3": (3,),
    "deploy number 3 please": (3,),
    "3 deploy": (3,),
    "3, deploy": (3,),
    "deploy 3 and 4": (3, 4),
    "deploy 3, 4": (3, 4),
    "deploy 3 & 4": (3, 4),
    "deploy 3 4": (3, 4),
    "deploy items 4 and 3": (4, 3),
    "3 and 4: deploy": (3, 4),
    "deploy 3-5": (3, 4, 5),
    "deploy 3 to 5": (3, 4, 5),
    "deploy only 4": (4,),
    "just deploy 4": (4,),
    "ship 3": (3,),
    "approve 3 and 4": (3, 4),
    "deploy 3 and deploy 4": (3, 4),
    "deploy [3, 4]": (3, 4),
    "déploie 3 et 4": (3, 4),
    "deploye 3 und 4": (3, 4),
    "despliega 3 y 4": (3, 4),
}
REMOVED = {
    "remove 3, deploy": (3,),
    "Remove 3, Deploy!": (3,),
    "remove 3 and deploy": (3,),
    "remove 3 then deploy all": (3,),
    "remove 3 and 4, deploy": (3, 4),
    "deploy, remove 3": (3,),
    "deploy all, remove 3": (3,),
    "deploy all except 3": (3,),
    "deploy all but 3": (3,),
    "deploy everything but 3 and 4": (3, 4),
    "all except 3: deploy": (3,),
    "deploy without 3": (3,),
    "deploy all, not 3": (3,),
    "skip 3, deploy": (3,),
    "skip 3 and deploy the others": None,
    "drop item 3, then deploy": (3,),
    "leave out 3, deploy": (3,),
    "exclude 4 and apply all": (4,),
    "alles außer 3 ausrollen": (3,),
    "tout déployer sauf 3": (3,),
    "despliega todo menos 3": (3,),
}
OTHER = {
    "show me item 3": ("show", (3,)),
    "tell me more about item 2": ("show", (2,)),
    "show 3": ("show", (3,)),
    "details 3": ("show", (3,)),
    "explain item 2 please": ("show", (2,)),
    "what is item 4": ("show", (4,)),
    "zeige mir 3": ("show", (3,)),
    "list": ("list", ()),
    "status": ("list", ()),
    "show all": ("list", ()),
    "skip": ("skip", ()),
    "Skip.": ("skip", ()),
    "skip it": ("skip", ()),
    "skip all": ("skip", ()),
    "discard this analysis": ("skip", ()),
    "reject": ("skip", ()),
    "überspringen": ("skip", ()),
    "remove 3": ("remove", (3,)),
    "skip 3": ("remove", (3,)),
    "rollback": ("rollback", ()),
    "roll back": ("rollback", ()),
    "roll it back please": ("rollback", ()),
    "undo": ("rollback", ()),
    "run optimization": ("run", ()),
    "Run the analysis now": ("run", ()),
    "start review": ("run", ()),
    "👍": ("feedback", ()),
    "👎": ("feedback", ()),
    "👍🏽": ("feedback", ()),
    "👎\ufe0f": ("feedback", ()),
    "👍 thanks": ("feedback", ()),
    "👎 please": ("feedback", ()),
    "👍 all": ("none", ()),
    "👍 3": ("none", ()),
    "👍👎": ("none", ()),
}
NEVER = """don't deploy|do not deploy|never deploy all|not deploy 3|deploy nothing|no deploy
deploy all?|should I deploy all?|can you deploy 3|did you deploy all|deploy it|deploy this
deploy them
deploy all tomorrow|deploy all if it is safe|deploy later|deploy all untested
deploy 3 and 4 untested|deploy 3, remove 3|deploy all 3|deploy the first one|deploy 3.5
deploy -3|deploy 0|deploy 99999
3 remove, 4 deploy|deploy, 3 skip|remove, deploy|remove all, deploy|show 3 and deploy
skip and deploy|deploy and rollback|deploy 👎|deply all|delpoy 3|deploi all|deployed all
deploying 3|aply all|> deploy all|nicht deployen|ne pas déployer|no desplegar|不部署|デプロイしない
не разверни|yes|ok|go ahead|3|all|the deploy failed yesterday|who may deploy here
run optimization and deploy all|deploy three|wait, deploy 3|deploy 5-3|deploy all/skip"""


@pytest.mark.parametrize("text", ALL.replace("\n", "|").split("|"))
def test_deploys_all(text: str) -> None:
    assert parse_reply(text) == ReviewReply(ReplyAction.DEPLOY)


@pytest.mark.parametrize(("text", "items"), CHOSEN.items())
def test_deploys_the_named_items(text: str, items: tuple[int, ...]) -> None:
    assert parse_reply(text) == ReviewReply(ReplyAction.DEPLOY, items)


@pytest.mark.parametrize(("text", "removed"), REMOVED.items())
def test_removes_then_deploys(text: str, removed: tuple[int, ...] | None) -> None:
    reply = parse_reply(text)
    if removed is None:
        assert reply.action is ReplyAction.ASK
    else:
        assert reply == ReviewReply(ReplyAction.DEPLOY, (), removed)


@pytest.mark.parametrize(("text", "expected"), OTHER.items())
def test_other_replies(text: str, expected: tuple[str, tuple[int, ...]]) -> None:
    reply = parse_reply(text)
    assert (reply.action.value, reply.items) == expected


@pytest.mark.parametrize("text", NEVER.replace("\n", "|").split("|"))
def test_never_deploys(text: str) -> None:
    assert parse_reply(text).action in (ReplyAction.ASK, ReplyAction.NONE)


def test_table_is_as_long_as_promised() -> None:
    count = sum(len(text.replace("\n", "|").split("|")) for text in (ALL, NEVER))
    assert count + len(CHOSEN) + len(REMOVED) + len(OTHER) >= 120


def test_untested_names_one_item() -> None:
    assert parse_reply("deploy 3 untested") == ReviewReply(ReplyAction.DEPLOY, (3,), (), True)


@pytest.mark.parametrize("text", ["deply all", "delpoy 3", "rolback", "skpi"])
def test_slip_gets_a_question(text: str) -> None:
    assert '"deploy all"' in parse_reply(text).question


WORDS = st.sampled_from(
    [
        *sorted(DEPLOY_WORDS),
        "all",
        "3",
        "4",
        "remove",
        "not",
        "don't",
        "untested",
        "please",
        ",",
        "?",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=7).map(" ".join)))
@settings(max_examples=300, deadline=None)
def test_no_text_without_a_deploy_word_deploys(text: str) -> None:
    reply = parse_reply(text)
    words = {word.text for word in read_words(text)}
    if not words & DEPLOY_WORDS:
        assert reply.action is not ReplyAction.DEPLOY
    if words & {"don't", "?"}:
        assert reply.action is not ReplyAction.DEPLOY
    if reply.action is ReplyAction.DEPLOY:
        assert not set(reply.items) & set(reply.removed)


@given(st.sampled_from(["deploy all", "remove 3, deploy", "deploy 3"]), st.text(min_size=1))
@settings(max_examples=200, deadline=None)
def test_an_unknown_word_beside_a_deploy_word_asks(text: str, extra: str) -> None:
    kinds = {word.kind.value for word in read_words(extra)}
    reply = parse_reply(f"{text} {extra}")
    if kinds & {"unknown", "slip", "negation", "question"}:
        assert reply.action is not ReplyAction.DEPLOY
