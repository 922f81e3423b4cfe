# Everything happens in .venv; the targets set up what they need, and start at once the next time.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

MODEL ?= var/formats# what make bench serves; the word bundled is the bundled model
MEASURED = var/bench$(if $(filter bundled,$(MODEL)),-bundled)$(if $(QUICK),-quick)
WORKERS ?= 4# of make test
PEERS := article bentoml fastapi infinity litserve

.PHONY: serve test lint format acceptance bench bench-formats peers pictures fuzz lock clean

serve: export XDG_DATA_HOME := $(CURDIR)/var# a checkout keeps its own data
serve: .venv/serve  ## start the service on http://127.0.0.1:8000
	$(BIN)/sentiserve serve

# Those of containers share one engine, those of AWS and of the page what takes long to make or to
# start: a process for each.
GROUPED := tests/aws tests/deploy tests/page

test: .venv/develop  ## run all tests, WORKERS at a time: much of a test is waiting
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal $(GROUPED:%=--ignore %)
	$(BIN)/pytest --numprocesses 2 --dist loadgroup $(GROUPED)

lint: .venv/develop  ## check style and types; writes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/develop  ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

acceptance: .venv/serve  ## walk through the service with labelled posts: make acceptance DATA=dev.tsv
	$(BIN)/python benchmarks/acceptance.py $(DATA)

bench: .venv/develop  ## load this service and others, side by side: make bench [MODEL=bundled] [QUICK=1] [DATA=dev.tsv] [MINUTES=8]
	-@$(MAKE) --no-print-directory --keep-going peers
	$(if $(filter var/formats,$(MODEL)),$(BIN)/python benchmarks/formats.py var/formats --make-only)
	$(if $(QUICK),rm -rf $(MEASURED))
	$(BIN)/python -m benchmarks.serving $(MEASURED) --model $(MODEL) $(if $(QUICK),--quick) $(if $(DATA),--data $(DATA)) $(if $(MINUTES),--minutes $(MINUTES))

peers: $(PEERS:%=var/peers/%/installed)  ## install the others that make bench loads, each by itself

var/peers/%/installed: benchmarks/serving/peers/%.txt
	@echo "installing $* (once; some minutes)"
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip --quiet --disable-pip-version-check install --requirement $<
	@touch $@

bench-formats: .venv/develop  ## compare the formats on a model of RoBERTa's size: make bench-formats DATA=dev.tsv
	$(BIN)/python benchmarks/formats.py var/formats $(if $(DATA),--data $(DATA)) --picture var/formats/speed.svg

pictures: .venv/develop  ## take the pictures of the page and the report in docs/images anew
	PICTURES=$(CURDIR)/docs/images $(BIN)/pytest tests/page/test_pictures.py tests/page/test_report_file.py -k picture

fuzz: .venv/develop  ## feed the parsers with what breaks them, guided by coverage: make fuzz SECONDS=600
	@$(PIP) install --constraint constraints.txt --group fuzz
	$(BIN)/python fuzz/run.py --seconds $(or $(SECONDS),60)

LOCKED := .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --constraint constraints.txt

lock:  ## pin the newest versions of everything: constraints.txt, and with digests deploy/lock
	rm -rf .venv/lock && $(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install 'pip==26.*' torch==2.13.0
	.venv/lock/bin/python -m pip install --group dev --group fuzz '.[hub,otel,train]'
	.venv/lock/bin/python -m pip freeze --all --exclude sentiserve --exclude pip \
		| sed 's/+cpu$$//' > constraints.txt
	.venv/lock/bin/python -m pip install uv
	$(LOCKED) pyproject.toml --excludes deploy/lock/left-out.txt --output-file deploy/lock/core.txt
	$(LOCKED) pyproject.toml --extra hub --output-file deploy/lock/hub.txt
	$(LOCKED) pyproject.toml --extra otel --excludes deploy/lock/left-out.txt --output-file deploy/lock/otel.txt
	$(LOCKED) --group image --output-file deploy/lock/tools.txt

clean:  ## remove what the other targets made
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/python:
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install 'pip==26.*'

.venv/serve: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing sentiserve (once)"
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/redis:  # the tests start servers of their own; needs root where Redis is missing
	@command -v redis-server >/dev/null || command -v valkey-server >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
			&& echo "installing redis-server (once)" && apt-get -qq update \
			&& DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends redis-server >/dev/null; } \
		|| { echo "the tests need redis-server or valkey-server 7 or newer: install it with your system's packages"; exit 1; }
	@mkdir -p .venv && touch $@

.venv/chromium:  # the page is tested in a real browser; needs root where there is none
	@command -v chromium >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
			&& echo "installing chromium (once)" && apt-get -qq update \
			&& DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends \
				chromium fonts-inter fonts-noto-color-emoji >/dev/null; } \
		|| { echo "the tests need chromium: install it with your system's packages"; exit 1; }
	@mkdir -p .venv && touch $@

.venv/prometheus:  # its programs alone, unpacked: the installed package would start a service
	@command -v prometheus >/dev/null && command -v promtool >/dev/null && mkdir -p $@ \
		|| { command -v apt-get >/dev/null && echo "fetching prometheus (once)" && rm -rf $@.new && mkdir -p $@.new \
			&& { [ "$$(id -u)" != 0 ] || apt-get -qq update; } \
			&& (cd $@.new && apt-get -qq -o APT::Sandbox::User=root download prometheus >/dev/null && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) \
			&& mv $@.new $@; } \
		|| { echo "the tests need prometheus and promtool, 2.42 or newer: install them with your system's packages"; exit 1; }

.venv/develop: .venv/serve .venv/redis .venv/chromium .venv/prometheus .venv/cdk
	@echo "installing what the tests, training and pulling need (once; some minutes)"
	@$(PIP) install --constraint constraints.txt --group dev --editable '.[hub,otel,train]'
	@touch $@

include deploy/image.mk
include deploy/aws/aws.mk
