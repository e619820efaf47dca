#!/bin/sh
# Three daily reviews of a simulated agent, on a simulated clock: found, tried, approved, deployed, measured.
set -eu
bin=${BIN:-.venv/bin}
lab=${LAB:-lab-daily}
export PROMPTLAB_ROOT="$lab" PROMPTLAB_CONFIGS="$lab/configs"
unset ANTHROPIC_API_KEY OPTIMIZER_MODEL 2>/dev/null || true
agent() { PYTHONPATH=. "$bin/python" examples/production/agent.py "$@"; }
review() { "$bin/luigi" --module pipeline DailyReview --window 24 --at "$1"; }

if [ ! -e "$lab/configs/policies/saving-once.yaml" ]; then
    mkdir -p "$lab"
    cp examples/production/lab.yaml "$lab/lab.yaml"
    cp -R configs "$lab/configs"
    cp examples/production/write_article.yaml "$lab/configs/steps/write_article.yaml"
    cp examples/production/blog.yaml "$lab/configs/targets/blog.yaml"
    cp examples/production/saving-once.yaml "$lab/configs/policies/saving-once.yaml"
fi

echo "== A month of an agent that writes blog articles"
agent begin
echo "== Day 1: the review of 27 February, and a trial of what it proposes"
review 2026-02-28T00:00:00Z
echo "== The answer: deploy all"
answer() { printf '%s\n' "$1" | "$bin/luigi" --module pipeline TakeReplies; }
answer "deploy all"
echo "== Day 2: the agent has worked a day with the new prompt"
agent day 2026-02-28
review 2026-03-01T00:00:00Z
echo "== Day 3"
agent day 2026-03-01
review 2026-03-02T00:00:00Z
echo "== The history of the prompts"
"$bin/prompt-lab" prompts history
"$bin/prompt-lab" prompts verify
