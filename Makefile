# One word per intention. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## list the intentions
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: setup ## solve a problem live with the embedded model
	@$(MAKE) --no-print-directory sandbox || echo "going on without Docker: bubblewrap will do where it is installed" >&2
	@$(BIN)/dubito solve --task exercises/$(EXERCISE)
EXERCISE ?= 130

test: setup ## run the default tests
	@$(BIN)/pytest -q -n 2 --dist worksteal

test-docker: setup sandbox ## run the tests that need a Docker engine, and the hostile suite in every sandbox
	@$(BIN)/pytest -q -m "(docker or hostile) and not slow"

test-slow: setup sandbox ## run the tests that take minutes: ten thousand programs, lost engines, whole data sets
	@$(BIN)/pytest -q -m slow

oracles: setup ## the laws that the algorithms keep exactly, token for token (DEVICE=cuda: the model layer there)
	@DUBITO_TEST_DEVICE=$(DEVICE) $(BIN)/pytest -v --no-header -m oracle
DEVICE := cpu

check: lint types arch test coverage ## lint, types, import directions, the default tests, and coverage

lint: setup ## style and format
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: setup ## mypy --strict
	@$(BIN)/mypy && $(BIN)/mypy --strict tests/fakes.py

arch: setup ## imports point down
	@$(BIN)/lint-imports

coverage: setup ## every branch of what measures and decodes is tested
	@$(BIN)/pytest -q -n 2 tests/uncertainty tests/agent/decoding tests/contracts/test_policies.py tests/contracts/test_scores.py \
		--cov=uncertainty --cov=agent.decoding --cov-branch --cov-fail-under=100 --cov-report=term:skip-covered

format: setup ## rewrite the code in the house format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

setup: $(READY) ## make .venv with pinned dependencies

$(READY): pyproject.toml constraints.txt
	@echo "setting up .venv (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 3; }
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e ".[bench,dev]"
	@$(BIN)/python -c "import torch, transformers, langgraph"
	@touch $@

sandbox: setup ## make the Docker image (and, as root on Debian, the engine) that programs run in
	@$(BIN)/python -m sandbox.docker.engine && $(BIN)/python -m sandbox.docker

exercises: setup sandbox ## every policy and what it must beat, over the test split of the exercises (or BENCHMARK=HumanEval)
	@mkdir -p $(RUNS)
	@$(MAKE) --no-print-directory -j $$(nproc) $(CONTESTANTS:%=contestant-%)
	@$(MAKE) --no-print-directory contestant-best-of-equal EQUAL="--equal $(RUNS)/adadec-tree-5.jsonl"
	@$(BIN)/dubito bench compare $(CONTESTANTS:%=$(RUNS)/%.jsonl) $(RUNS)/best-of-equal.jsonl
	@$(BIN)/dubito bench plot $(CONTESTANTS:%=$(RUNS)/%.jsonl) --x token_rows --title $(BENCHMARK) --out $(RUNS)/costs.png

ablations: setup sandbox ## AdaDec with another gate, its reference's quirks, and the guard against empty programs as its own arm
	@mkdir -p $(RUNS)
	@$(MAKE) --no-print-directory -j $$(nproc) $(ABLATIONS:%=contestant-%)
	@$(MAKE) --no-print-directory contestant-adadec-by-chance EQUAL="--equal $(RUNS)/adadec.jsonl"
	@$(BIN)/dubito bench compare $(ABLATIONS:%=$(RUNS)/%.jsonl) $(RUNS)/adadec-by-chance.jsonl

sweep: setup sandbox ## AdaDec at one threshold after another: what is solved, and what it costs
	@mkdir -p $(RUNS)
	@$(MAKE) --no-print-directory -j $$(nproc) $(SWEEP:%=contestant-%)
	@$(BIN)/dubito bench compare $(SWEEP:%=$(RUNS)/%.jsonl)
	@$(BIN)/dubito bench plot $(SWEEP:%=$(RUNS)/%.jsonl) --x pause-rate --out $(RUNS)/sweep.png --title "AdaDec by threshold, in nats ($(BENCHMARK))"

tree: setup sandbox ## the pause tree in every order, with every policy inside, against best-of-n and an oracle
	@mkdir -p $(RUNS)
	@OMP_NUM_THREADS=$$(nproc) $(BIN)/dubito bench draw $(BENCHMARK) --samples $(SAMPLES) $(OPTIONS) --out $(RUNS)/draws.jsonl 2> $(RUNS)/draws.log
	@$(MAKE) --no-print-directory -j $$(nproc) side-by-side-policies side-by-side-orders $(RIVALS:%=contestant-%)
	@$(BIN)/dubito bench compare $(TREES:%=$(RUNS)/%.jsonl)
	@$(BIN)/dubito bench curve $(TREES:%=$(RUNS)/%.jsonl) $(RUNS)/draws.jsonl --out $(RUNS)/curves.png --title "$(BENCHMARK): solved by tokens"
	@$(BIN)/dubito bench trust $(RUNS)/policies/adadec-tree-20.jsonl --out $(RUNS)/trust.png || true # prompts may show too few examples

side-by-side-%: # in one process: they share what they ask the model alike
	@OMP_NUM_THREADS=1 $(BIN)/dubito bench run $(BENCHMARK) --policy $(subst $(SPACE),$(COMMA),$(strip $($*))) $(BUDGET) $(OPTIONS) \
		--out $(RUNS)/$* > /dev/null 2> $(RUNS)/$*.log || { cat $(RUNS)/$*.log; exit 1; }
	@echo "$*: done" >&2
COMMA := ,
SPACE := $(subst ,, )

learn: setup sandbox ## learn from searches over the calibration exercises what models/tiny/profile.json holds (half an hour)
	@mkdir -p runs/calibration
	@$(BIN)/dubito calibrate search --keep runs/calibration/lessons.jsonl --out models/tiny/profile.json

contestant-%: # one process a core, of one thread each: the model is small
	@OMP_NUM_THREADS=1 $(BIN)/dubito bench run $(BENCHMARK) --policy $* $(EQUAL) $(if $(findstring tree,$*),$(BUDGET)) $(OPTIONS) --out $(RUNS)/$*.jsonl \
		> /dev/null 2> $(RUNS)/$*.log || { cat $(RUNS)/$*.log; exit 1; }
	@echo "$*: done" >&2

BENCHMARK ?= exercises
RUNS := runs/$(BENCHMARK)
OPTIONS := $(if $(filter exercises%,$(BENCHMARK)),,--max-tokens 128 --memory-mib 3072)
CONTESTANTS := greedy sample adadec uscd beam-3 best-of-5 greedy-tree-5 adadec-tree-5
ORDERS := entropy gap lookahead discounted diversity blame learned
policies := adadec-tree-20 adadec-tree-5 uscd-tree-20 sample-tree-20
orders := greedy-tree-20 greedy-tree-5 $(ORDERS:%=tree-20-%) tree-20-unrepaired tree-20-unbranched tree-20-unpruned
RIVALS := beam-5-chosen best-of-5 adadec
TREES := $(orders:%=orders/%) $(policies:%=policies/%) $(RIVALS)
SAMPLES := $(if $(filter exercises%,$(BENCHMARK)),20,8)
BUDGET := $(if $(filter exercises%,$(BENCHMARK)),,--budget tokens=$(if $(filter Mbpp,$(BENCHMARK)),100,200))
ABLATIONS := greedy greedy-guarded adadec adadec-guarded adadec-line-start adadec-reference uscd-adadec adapt
SWEEP := greedy adadec adadec@2.0 adadec@1.5 adadec@0.75 adadec@0.5 adadec@0.25 adadec@0.1

speed: setup ## what decoding costs against transformers' own generate, on half a billion random weights (half an hour)
	@$(BIN)/dubito bench speed

bench-sandbox: setup sandbox ## how fast programs run and benchmarks are checked, against cold containers and evalplus
	@$(BIN)/python -m benchmarks.speed.sandbox --evalplus

card: setup sandbox ## the numbers of the embedded model's card (MBPP+ and HumanEval+ need their data)
	@$(BIN)/dubito bench run exercises && $(BIN)/dubito bench run exercises/far
	@$(BIN)/dubito bench fill exercises && $(BIN)/dubito bench fill exercises --attempts 1
	@$(BIN)/dubito bench run HumanEval --max-tokens 128
	@$(BIN)/dubito bench run Mbpp --max-tokens 128 --memory-mib 3072

train-tiny: setup ## train the embedded model again, from nothing (about 80 minutes on two cores)
	@$(BIN)/python -m models.train --out $(OUT)
OUT ?= models/tiny

clean: ## remove what setup made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help demo test test-docker test-slow oracles check lint types arch coverage format setup sandbox tree learn exercises ablations sweep speed bench-sandbox card train-tiny clean
