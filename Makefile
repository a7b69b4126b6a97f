# Each target does all its own set-up; python3 (3.11 or newer) and make are all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-clients lint bench clean

demo: $(READY)
	@$(BIN)/securechat demo

test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not clients"

# irssi and WeeChat in tmux: Debian packages, installed here when they are missing. A library and a bot come with `dev`.
test-clients: $(READY)
	scripts/install-clients.sh
	$(BIN)/python -m pytest -m clients tests/clients

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/fanout.py

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
