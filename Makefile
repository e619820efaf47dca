# `make` alone lists what there is. Everything works as the first command in a fresh clone.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
LUIGI := $(BIN)/luigi --module pipeline
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without stored bytecode, each of the many processes would compile its imports again.
export PYTHONDONTWRITEBYTECODE :=

IS_SUPPORTED := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
# The first of these that is Python 3.11 to 3.13; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" $(IS_SUPPORTED) && echo "$$p" && break; done)

# A set-up that was not finished, with a Python that is not supported or is gone, starts again.
ifeq ($(wildcard $(VENV)/.run),)
ifneq ($(wildcard $(BIN)/uv),)
$(shell $(BIN)/python $(IS_SUPPORTED) || rm -f $(BIN)/uv)
endif
endif

.PHONY: help
help: ## list all targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 22

$(BIN)/uv: locks/uv.txt
	@test -n "$(PYTHON)" || { echo "Prompt Lab needs Python 3.11, 3.12 or 3.13 on the PATH (or PYTHON=/path/to/python)." >&2; exit 1; }
	@"$(PYTHON)" $(IS_SUPPORTED) || { echo "PYTHON=$(PYTHON) is $$("$(PYTHON)" -c "import sys; print('Python %d.%d.%d' % sys.version_info[:3])" 2>/dev/null || echo "not there"): Prompt Lab needs Python 3.11, 3.12 or 3.13. Nothing was set up." >&2; exit 1; }
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version)"
	@{ $(BIN)/python $(IS_SUPPORTED) && $(BIN)/python -c "import pip" 2>/dev/null; } || "$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r locks/uv.txt
	@touch $@

$(VENV)/.run: $(BIN)/uv locks/run.txt pyproject.toml
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r locks/run.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run locks/dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r locks/dev.txt
	@$(COMPILE)
	@touch $@

# The commands of a task cannot write into .venv: what those of the samples import is compiled here.
COMPILE := $(BIN)/python -c \
	"import sklearn.linear_model, sklearn.pipeline, llama_index.llms.openai_like"

$(VENV)/.samples: $(VENV)/.run locks/samples.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes -r locks/samples.txt
	@$(COMPILE)
	@touch $@

.PHONY: setup
setup: $(VENV)/.run ## install what running needs, once

.PHONY: demo
demo: setup ## improve a real prompt on the embedded model, in ./lab; again: the next iteration
	@$(LUIGI) ExampleLab
	@$(LUIGI) Iteration

# What models of another lab once answered, where a copy of it lies beside the clone.
ANSWERS ?= ../shared/data/planexe_lab
LIVE ?= 20260401_tool_library
.PHONY: demo-planner
demo-planner: setup ## a step in a target's own Python: on recorded answers, then live on one plan
	@PROMPTLAB_ROOT=lab-planner $(LUIGI) $(if $(wildcard $(ANSWERS)/history),RecordedLab \
		--answers $(ANSWERS) --before 182-188 --after 189-195,ExampleLab --example planner)
	@PROMPTLAB_ROOT=lab-planner $(LUIGI) Iteration --branch free-openers
	@$(if $(LIVE),PROMPTLAB_ROOT=lab-planner-live $(LUIGI) ExampleLab --example planner)
	@$(if $(LIVE),PROMPTLAB_ROOT=lab-planner-live PROMPTLAB_GATEWAY=live $(LUIGI) Iteration \
		--branch free-openers --plans $(LIVE))
	@echo "This demo cannot decide, by construction: a verdict counts plans, and so few of them (five on"
	@echo "recorded answers, one live) cannot tell a gain from luck, whatever they score; 'why' says how"
	@echo "many it takes. It shows that a step in a target's own Python runs, is scored and is compared."

.PHONY: demo-loop
demo-loop: setup ## three iterations in a row on the embedded model, in ./lab-loop
	@PROMPTLAB_ROOT=lab-loop $(LUIGI) ExampleLab
	@PROMPTLAB_ROOT=lab-loop $(LUIGI) Loop --iterations 3

HARNESS ?= lab-harness
KEYLESS := env -u ANTHROPIC_API_KEY
CYCLE := $(KEYLESS) $(LUIGI) MetaLoop --baseline "smollm2-short demo-extended extended" --candidates 1
.PHONY: demo-harness
demo-harness: setup ## benchmarks, a warm-up test, routing and two cycles on the embedded model, in ./lab-harness
	@PROMPTLAB_ROOT=$(HARNESS) $(LUIGI) ExampleLab
	@echo "== Three settings of one model on short tickets, two repeats"
	@PROMPTLAB_ROOT=$(HARNESS) $(LUIGI) Benchmark --suite demo-atomic
	@echo "== Does a warm-up help? Five cold starts with and five without"
	@PROMPTLAB_ROOT=$(HARNESS) $(LUIGI) WarmUpTest --suite demo-atomic --model smollm2 --starts 5 --plans 3
	@echo "== A setting that can do some of the extended phase"
	@PROMPTLAB_ROOT=$(HARNESS) $(LUIGI) Benchmark --suite demo-extended
	@echo "== A cycle whose baseline cannot do it: the enforcer writes a rule, with a fallback that has no key"
	@PROMPTLAB_ROOT=$(HARNESS) $(BIN)/prompt-lab benchmark config set 'routing.fallbacks.smollm2-short=["haiku"]'
	@PROMPTLAB_ROOT=$(HARNESS) $(CYCLE)
	@echo "== The rule blocks the model; --force-model runs it all the same, and a rollback removes the fallback"
	@PROMPTLAB_ROOT=$(HARNESS) $(KEYLESS) $(LUIGI) Benchmark --suite demo-extended --model smollm2-short
	@PROMPTLAB_ROOT=$(HARNESS) $(BIN)/prompt-lab benchmark config rollback
	@PROMPTLAB_ROOT=$(HARNESS) $(LUIGI) Benchmark --suite demo-extended --model smollm2-short --force-model
	@echo "== The next cycle obeys the rule of the first"
	@PROMPTLAB_ROOT=$(HARNESS) $(CYCLE)
	@echo "== The audit trail: $(HARNESS)/routing/routing_decisions.jsonl"
	@cat $(HARNESS)/routing/routing_decisions.jsonl
	@echo "== What was learned: $(HARNESS)/benchmarks/cycles/META_LEARNINGS.md"
	@cat $(HARNESS)/benchmarks/cycles/META_LEARNINGS.md
	@echo "The report: $(HARNESS)/benchmarks/cycles/report.html"

.PHONY: demo-registry
demo-registry: setup ## a prompt of the registry: tried, promoted and rolled back, in ./lab-registry
	@BIN=$(BIN) sh examples/registry/demo.sh

DAILY ?= lab-daily
.PHONY: demo-daily
demo-daily: setup ## three daily reviews of an agent in production, on a simulated clock, in ./lab-daily
	@BIN=$(BIN) LAB=$(DAILY) sh examples/production/demo.sh

PROMPTOPS ?= lab-promptops
.PHONY: demo-promptops
demo-promptops: setup ## a service whose prompt fails: improved when idle, by canary, in ./lab-promptops
	@BIN=$(BIN) LAB=$(PROMPTOPS) sh examples/promptops/demo.sh

.PHONY: test
test: $(VENV)/.dev ## all tests but those that take minutes
	@echo "All tests but the long ones; the last complete run here took $$(cat $(VENV)/.test-minutes 2>/dev/null || echo 'an unknown number of') minutes."
	@start=$$(date +%s); $(BIN)/python -m pytest -n auto --dist worksteal --timeout 600 -m "not long" && \
		echo $$(( ($$(date +%s) - start + 59) / 60 )) > $(VENV)/.test-minutes

.PHONY: test-long
test-long: $(VENV)/.dev ## the tests that take minutes: the README in a clone, cuts at calls to GitHub
	@$(BIN)/python -m pytest -n auto --dist worksteal -m long

.PHONY: lint
lint: $(VENV)/.dev ## format, lint, types, import contracts, lock
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.tools.names
	@$(BIN)/python -m tests.tools.lock check

.PHONY: check
check: lint ## what lint does, and the unit tests
	@$(BIN)/python -m pytest -n auto -m "not model and not browser and not slow and not long"

.PHONY: bench
bench: $(VENV)/.dev ## wall time over the ideal: 10,000 runs, the phases after them, processes of a luigid, the gateway, calls per CPU second, the start of commands, `prompt-lab batch`, 200 attempts at a task; time and memory of a verdict; promotions, reads and preparation of prompts; traces
	@$(BIN)/python -m tests.bench.fan_out
	@$(BIN)/python -m tests.bench.after_runs
	@$(BIN)/python -m tests.bench.luigid
	@$(BIN)/python -m tests.bench.gateway
	@$(BIN)/python -m tests.bench.routing
	@$(BIN)/python -m tests.bench.wire
	@$(BIN)/python -m tests.bench.start
	@$(BIN)/python -m tests.bench.batch
	@$(BIN)/python -m tests.bench.target
	@$(BIN)/python -m tests.bench.decide
	@$(BIN)/python -m tests.bench.tasks
	@$(BIN)/python -m tests.bench.registry
	@$(BIN)/python -m tests.bench.prompts
	@$(BIN)/python -m tests.bench.promptops
	@$(BIN)/python -m tests.bench.traces

.PHONY: calibrate
calibrate: setup ## measure the policies into docs/calibration.md; QUICK=1: two minutes; RULE=2: the older rule, an hour
	@$(LUIGI) Calibrate $(if $(RULE),--rule $(RULE) --workers 2) $(if $(QUICK),--quick)

.PHONY: task
task: setup ## one safe iteration of a task.yaml: make task TASK=path/to/task.yaml
	@test -n "$(TASK)" || { echo "Say which: make task TASK=path/to/task.yaml" >&2; exit 2; }
	@$(BIN)/python -m pipeline.cli.task "$(TASK)"

.PHONY: samples
samples: $(VENV)/.samples ## install what sample tasks take beyond that: scikit-learn

SAMPLE ?= skill-quality
.PHONY: sample
sample: samples ## a few attempts at a task of configs/tasks, and their diffs: SAMPLE=skill-quality
	@$(BIN)/prompt-lab-task configs/tasks/$(SAMPLE)/task.yaml --campaign
	@$(BIN)/python configs/tasks/show.py $(SAMPLE)

.PHONY: ledger
ledger: setup ## write the lab's index.html again, also for another tool's lab (PROMPTLAB_ROOT); runs nothing
	@$(LUIGI) Ledger

.PHONY: scheduler
scheduler: setup ## luigid's web page on 8082, and the lab's pages on 8083
	@$(BIN)/python -m pipeline.web.scheduler

.PHONY: lock
lock: $(VENV)/.dev ## resolve the dependencies again into locks/
	@$(BIN)/python -m tests.tools.lock make

.PHONY: format
format: $(VENV)/.dev ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: clean
clean: ## remove the virtual environment and caches; the lab stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
