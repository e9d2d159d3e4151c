# One command each. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench chaos wheel constraints clean clean-all
SHELL := bash
MAKEFLAGS += --no-print-directory

# PYTHON=/path/to/python3 chooses the Python that .venv is made with; ARGS is passed on.
export PYTHON
ARGS ?=
BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test
SETUP := deploy/setup.sh constraints.txt pyproject.toml

help:
	@echo "make demo    a server, a broker, a gateway and a simulated home, with the addresses to open"
	@echo "make test    all tests but those of the wheel and of chaos"
	@echo "make check   format, lint, types, import directions, the house's own tests"
	@echo "make docs    write the generated pages of docs/ anew"
	@echo "make bench   measure this machine"
	@echo "make chaos   kill and cut what the demo runs, and count what was lost"
	@echo "make wheel   build the wheel and install it extra by extra"
	@echo "make constraints  write constraints.txt from .venv anew"
	@echo "make clean   remove what the tools left; clean-all: what set-up made, too"

$(RUN_READY): $(SETUP)
	@deploy/setup.sh run
	@touch $@

$(TEST_READY): $(SETUP)
	@deploy/setup.sh test
	@touch $@ $(RUN_READY)

demo: $(RUN_READY)
	@exec $(BIN)/homebeat demo $(ARGS)

bench: $(RUN_READY)
	@exec $(BIN)/homebeat bench $(ARGS)

test: $(TEST_READY)
	$(BIN)/pytest $(ARGS)

chaos: $(TEST_READY)
	$(BIN)/pytest -m chaos $(ARGS)

wheel: $(TEST_READY)
	$(BIN)/pytest -m wheel $(ARGS)

check: $(TEST_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest tests/house

docs: $(TEST_READY)
	$(BIN)/python docs/generate.py

constraints: $(TEST_READY)
	$(BIN)/python deploy/write_constraints.py

clean:
	rm -rf build dist artefacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

clean-all: clean
	rm -rf .venv .cache
