# One word per intention. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

help: ## list the intentions
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: setup ## solve a problem live with the embedded model (or MODEL=qwen2.5-coder-0.5b, which it gets first)
	@$(MAKE) --no-print-directory sandbox || echo "going on without Docker: bubblewrap will do where it is installed" >&2
ifdef MODEL
	@$(BIN)/dubito models get $(MODEL)
	@$(BIN)/dubito solve -v --model $(MODEL) --file $(REQUEST)
else
	@$(BIN)/dubito solve -v --model models/tiny --task exercises/$(EXERCISE)
	@printf '\nA real model on this machine (0.5 GB to download):\n  %s\n  %s\n' \
		"$(BIN)/dubito models get qwen2.5-coder-0.5b" "$(BIN)/dubito solve --file $(REQUEST)"
endif
EXERCISE ?= 130
REQUEST ?= docs/request.py

test: setup ## run the default tests
	@$(BIN)/pytest -q -n 2 --dist worksteal

test-docker: setup sandbox ## run the tests that need a Docker engine, and the hostile suite in every sandbox
	@$(BIN)/pytest -q -m "(docker or hostile) and not slow"

test-real: setup ## fetch a real code model where it can be had, and run the tests that need one
	@$(BIN)/dubito models get qwen2.5-coder-0.5b || echo "going on without a real model: its tests skip" >&2
	@$(BIN)/pytest -q -rs -m real

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
	@echo "setting up .venv (a few minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 3; }
	@$(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt -e ".[acp,bench,dev,lsp,mcp,serve]"
	@$(BIN)/python -c "import torch, transformers, langgraph"
	@touch $@

sandbox: setup ## make the Docker image (and, as root on Debian, the engine) that programs run in
	@$(BIN)/python -m sandbox.docker.engine && $(BIN)/python -m sandbox.docker

exercises: setup sandbox ## every policy, and what the same budget buys otherwise, over the test exercises (or DATASET=HumanEval)
	@$(EXPERIMENT) policies

ablations: setup sandbox ## AdaDec with another gate, its reference's quirks, and the guard against empty programs by itself
	@$(EXPERIMENT) ablations

sweep: setup sandbox ## AdaDec at one threshold after another: what it solves and what it costs
	@$(EXPERIMENT) sweep

tree: setup sandbox ## the pause tree in every order and with every policy, against best-of-n and an oracle
	@$(EXPERIMENT) tree

EXPERIMENT = $(BIN)/dubito bench experiment --dataset $(DATASET) --workers $$(nproc)
DATASET := exercises

learn: setup sandbox ## learn from searches over the calibration exercises what models/tiny/profile.json holds (half an hour)
	@mkdir -p runs/calibration
	@$(BIN)/dubito calibrate search --keep runs/calibration/searches.jsonl --out models/tiny/profile.json

speed: setup ## what decoding costs against transformers' own generate, with a real model where the shelf has one here (an hour)
	@$(BIN)/dubito bench speed

real: setup sandbox ## real models over HumanEval+ and MBPP+, into docs/results/real.md (many hours; resumes)
	@$(BIN)/dubito bench real --run --workers $$(nproc) --out docs/results/real.md

bench-sandbox: setup sandbox ## how fast programs run and benchmarks are checked, against cold containers and evalplus
	@$(BIN)/python -m benchmarks.speed.sandbox --evalplus

bench-holes: setup ## how fast hole-sets are found, by the size of a program, and against z3
	@$(BIN)/python -m benchmarks.speed.holes

bench-editor: setup ## how soon the language server answers a hover while its model reads a file
	@$(BIN)/python -m benchmarks.speed.editor

humaneval: setup sandbox ## HumanEval+ with a real model, from one word to the page (MODEL=qwen2.5-coder-0.5b POLICY=greedy,adadec,uscd; resumes)
	@$(call run-and-report,HumanEval)

mbpp: setup sandbox ## MBPP+ with a real model, from one word to the page (MODEL=, POLICY=; resumes)
	@$(call run-and-report,Mbpp)

define run-and-report
case "$(CODER)" in */*) ;; *) $(BIN)/dubito models get $(CODER) ;; esac && \
	$(BIN)/dubito bench run $(1) --model $(CODER) --policy $(POLICY) --max-tokens 768 --memory-mib 3072 --out $(RUNS)/$(1)-$(notdir $(CODER)) && \
	$(BIN)/dubito report $(RUNS)/$(1)-$(notdir $(CODER)) --out $(RUNS)/$(1)-$(notdir $(CODER))/report
endef
CODER = $(or $(MODEL),qwen2.5-coder-0.5b)
POLICY := greedy
RUNS := runs

evalplus: setup sandbox ## let evalplus judge the programs of a run, too, and list each difference (RUN=runs/he)
	@$(BIN)/dubito bench evalplus $(RUN)
RUN ?= $(error say which run evalplus should judge, as in: make evalplus RUN=runs/he)

card: setup sandbox ## the numbers of the embedded model's card (MBPP+ and HumanEval+ need their data)
	@$(BIN)/dubito bench experiment card && $(BIN)/dubito bench experiment card --dataset exercises/far
	@$(BIN)/dubito bench fill exercises && $(BIN)/dubito bench fill exercises --attempts 1
	@$(BIN)/dubito bench experiment card --dataset HumanEval && $(BIN)/dubito bench experiment card --dataset Mbpp

train-tiny: setup ## train the embedded model again, from nothing (about 80 minutes on two cores)
	@$(BIN)/python -m models.train --out $(OUT)
OUT ?= models/tiny

clean: ## remove what setup made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: help demo test test-docker test-real test-slow oracles check lint types arch coverage format setup sandbox tree learn exercises ablations sweep speed real bench-sandbox bench-holes bench-editor humaneval mbpp evalplus card train-tiny clean
