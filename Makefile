# The commands of this checkout; each makes .venv first if it is not there. `make demo` and `make test` come first.
VENV := .venv
STAMP := $(VENV)/.installed
PYTEST = $(VENV)/bin/python -m pytest -n $(or $(JOBS),3) --dist worksteal --cov --cov-report term --cov-fail-under 95 $(ARGS)

.PHONY: demo run test test-deep fuzz check docs screenshots lock

demo: $(STAMP) ## the whole job on sample sources; ONCE=1 ends after the send, PORT=N picks the port
	@$(VENV)/bin/newsletter demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

run: $(STAMP) ## what a single machine runs: web, scheduler and sender
	@$(VENV)/bin/newsletter run

test: $(STAMP) ## the tests; ARGS="-k name" goes to pytest, JOBS=N sets the processes
	@$(PYTEST)

test-deep: $(STAMP) ## the same over whole ranges instead of slices
	@$(PYTEST) --deep

fuzz: $(STAMP) ## everything that reads what others wrote, for SECONDS=600; ARGS="feeds pages" for some readers
	@$(VENV)/bin/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(ARGS)

check: $(STAMP) ## lint, format, types and import contracts alone
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/python -m mypy .
	@$(VENV)/bin/lint-imports --no-logo

docs: $(STAMP) ## writes docs/cli.md and docs/checks.md from the commands and the rules
	@$(VENV)/bin/python docs/reference.py >docs/cli.md.new && mv docs/cli.md.new docs/cli.md
	@$(VENV)/bin/python docs/checks.py >docs/checks.md.new && mv docs/checks.md.new docs/checks.md

screenshots: $(STAMP) ## makes the pictures in docs/pictures anew (needs chromium)
	@$(VENV)/bin/python docs/screenshots.py && PYTHONPATH=. $(VENV)/bin/python docs/themes.py

lock: ## resolves requirements.lock anew from pyproject.toml (needs uv); UPGRADE=1 takes newer versions
	@uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
	  --group build --group test pyproject.toml -o requirements.lock >/dev/null

$(STAMP): requirements.lock pyproject.toml deploy/bootstrap.sh
	@deploy/bootstrap.sh
