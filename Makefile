# Everything runs in .venv, which the first target used makes. Needs Python 3.11 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One more than the cores of a small machine: many tests wait for a process or a time limit.
WORKERS ?= 3
# A folder of CSV files; without one the simulated market stands in, and what is made of it says so.
HISTORY ?= $(if $(wildcard ../shared/data/RUT.csv),../shared/data,simulated)
REAL := $(if $(filter-out simulated,$(HISTORY)),--data $(HISTORY))
PICTURED := tests/bot/sandbox/test_chat_page.py tests/bot/messages/test_on_a_phone.py tests/bot/cli/test_backtest.py

.PHONY: demo test check run bench lookahead statistics method pictures faults fuzz soak kills charts release texts lock clean

demo: $(VENV)/installed ## the chat page with a simulated market, at http://127.0.0.1:8765
	$(BIN)/python -m bot demo

# The suite starts many processes: what they import is compiled once, also where the environment says otherwise.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/installed ## every test; COVER=1: with the coverage floor too, child processes included, slower
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=10 $(if $(COVER),--cov --cov-report=term:skip-covered)

check: $(VENV)/installed ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

run: $(VENV)/installed ## the bot itself, with the settings in .env
	$(BIN)/python -m bot run

bench: $(VENV)/installed $(VENV)-bench/installed ## speed and memory, as ratios in one run; writes docs/benchmarks.md
	RIVALS=$(VENV)-bench/bin/python $(BIN)/python -m benchmarks

lookahead: $(VENV)/installed ## many more truncated histories, sessions and missing inputs than the suite's few
	LOOKAHEAD_SESSIONS=50 MISSING_EXAMPLES=250 $(BIN)/python -m pytest -q -n $(WORKERS) \
		tests/signals/test_lookahead.py tests/signals/test_cascade_independently.py tests/signals/data/test_missing_data.py

statistics: $(VENV)/installed ## the record's error rates over many more seeds and draws than the suite's few
	STATISTICS_SEEDS=200 STATISTICS_DRAWS=500 $(BIN)/python -m pytest -q -n $(WORKERS) \
		tests/signals/record/test_inference.py tests/signals/record/test_known_truth.py

# Without a history what is of one stays as it is. The READMEs quote what the bot itself would say, of its own sources.
method: $(VENV)/installed ## write what the docs and the READMEs have from the program, and from HISTORY
	$(if $(filter simulated,$(HISTORY)),,FALLBACKS=ETH-USD=$(HISTORY)/ETH-USD_coinbase.csv) \
		$(BIN)/python -m bot method docs/method.md $(REAL)
	$(BIN)/python -m bot method README.md README.fr.md $(REAL)

faults: $(VENV)/installed ## kills -9 and every fault of server, database, clock and sources; twenty minutes, SHORT=1 four
	$(BIN)/python -m tests.faults $(if $(SHORT),short)

fuzz: $(VENV)/installed ## updates of every kind that Telegram may send, for ten minutes; FOR=60 seconds instead
	$(BIN)/python -m tests.fuzzing $(FOR)

soak: $(VENV)/installed ## a simulated year with 1,000 chats and all that happens in one; CHATS=250 fewer; writes docs/soak.md
	$(BIN)/python -m tests.soak $(CHATS)

pictures: $(VENV)/installed ## what people see, into docs/images: tests in Chromium that keep their screens; needs the real history
	SAVE_PICTURES=1 $(BIN)/python -m pytest -q $(PICTURED)
	$(BIN)/python -m tests.bot.charts.sheet docs/images/charts.png breakout-5y-light liquidity-5y-dark cascade-5y-light

kills: $(VENV)/installed ## kill -9 at every commit and every request of a replay
	$(BIN)/python -m pytest -q -n $(WORKERS) tests/bot/kills/test_kills.py tests/bot/kills/everywhere.py

release: $(VENV)/installed ## keep the database of the version in pyproject.toml, from which later ones must upgrade
	$(BIN)/python -m tests.storage.releases.make

charts: $(VENV)/installed ## every chart at a phone's width, light, dark, sparse and empty: charts.png
	$(BIN)/python -m tests.bot.charts.sheet charts.png

texts: $(VENV)/installed ## bring the catalogues of all languages up to date with the texts: bot/messages/locale
	$(BIN)/python -m babel.messages.frontend -q extract -F bot/commands/babel.cfg --no-location --sort-output --width=120 \
		-o messages.pot bot
	$(BIN)/python -m babel.messages.frontend -q update -i messages.pot -d bot/messages/locale --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date --width=120

lock: $(VENV)/installed ## write the lock files anew
	$(BIN)/python -m pip install -q uv==0.13.9
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		-c requirements.txt requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements-bench.in -o requirements-bench.txt

$(VENV)/installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Cascade needs Python 3.11 or newer; for example: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	touch $@

# What ours is compared with wants other versions of what both use.
$(VENV)-bench/installed: requirements-bench.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.txt
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-bench .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
