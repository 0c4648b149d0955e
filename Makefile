# FinPulse. `make help` lists the targets. Only Python 3.11 or 3.12 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

export DAGSTER_HOME ?= $(CURDIR)/.dagster
export DAGSTER_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
# Two spinning OpenMP threads on a busy machine are many times slower than one that sleeps.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help venv demo run dev serve dashboard test test-fast test-long test-ray lint format docs bench clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Make the virtual environment with every dependency (5 minutes the first time)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in ((3, 11), (3, 12)) else "FinPulse needs Python 3.11 or 3.12, $(PYTHON) is %d.%d. Hint: make PYTHON=python3.11" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## Materialize the whole graph on the simulated market and show the result
	@$(BIN)/finpulse demo

run: $(STAMP) ## Materialize the graph on the sources of your settings (.env)
	@$(BIN)/finpulse run

dev: $(STAMP) ## Open the Dagster UI on http://127.0.0.1:3000
	@$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

serve: $(STAMP) ## Start the prediction service on http://127.0.0.1:3010
	@$(BIN)/finpulse serve

dashboard: $(STAMP) ## Open the dashboard on http://127.0.0.1:8501
	@$(BIN)/finpulse dashboard

test: $(STAMP) ## Run every test but the long ones and those on Ray (under 10 minutes on 2 cores)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: $(STAMP) ## Run the unit tests only
	@$(BIN)/python -m pytest tests/unit finpulse_assets

test-long: $(STAMP) ## Run weeks of sessions, a kill at many points and many seeds (6 minutes on 2 cores)
	@$(BIN)/python -m pytest -n 2 --dist load -m long

test-ray: $(STAMP) ## Run the tests on a local Ray cluster of two nodes (2 minutes, 8 on a busy machine)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray]'
	@$(BIN)/python -m pytest -m ray tests/integration/test_ray.py

lint: $(STAMP) ## Check style, layers and the dbt project
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@cd dbt_project && ../$(BIN)/dbt --quiet parse --profiles-dir .

format: $(STAMP) ## Format the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

docs: $(STAMP) ## Rewrite the generated files and parts of docs/, the dbt contracts, dashboards and .env.example
	@$(BIN)/python -m finpulse_assets.cli.documents
	@$(BIN)/python -m deploy.monitoring.dashboards

bench: $(STAMP) ## Run the benchmarks of benchmarks/, each prints its claim (30 minutes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@failed=0; for script in benchmarks/bench_*.py benchmarks/features.py benchmarks/sentiment.py; do \
		$(BIN)/python $$script || failed=1; done; exit $$failed

clean: ## Remove what runs wrote (not the virtual environment)
	@rm -rf .finpulse dbt_project/target dbt_project/logs && find .dagster -mindepth 1 ! -name dagster.yaml -delete
