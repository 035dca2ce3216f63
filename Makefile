# Every target sets up what it needs; see README.md.
BIN := .venv/bin
INPUTS := pyproject.toml constraints.txt tools/setup.sh

.PHONY: demo test fmt bench soak docs dist clean

demo: .venv/.runtime ## the main job, embedded, no server
	$(BIN)/trustcell demo

test: .venv/.dev ## format, lint, types, import contracts, every test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto

fmt: .venv/.dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev ## speed as ratios to the cryptography it cannot avoid
	$(BIN)/python -m benchmarks

soak: .venv/.dev ## long campaigns: kills and fuzzing
	TRUSTCELL_SOAK=20 $(BIN)/pytest -n auto tests/dsp tests/dsp_kill tests/devices tests/wire tests/smki tests/audit tests/campaigns

docs: .venv/.dev ## the manual as a site, in out/site
	$(BIN)/python tools/reference.py
	$(BIN)/sphinx-build -q -W -b html docs out/site

dist: .venv/.dev ## wheel, sdist, SBOM, manual page, completion, deployment files, in dist
	tools/dist.sh

.venv/.runtime: $(INPUTS)
	tools/setup.sh runtime

.venv/.dev: $(INPUTS)
	tools/setup.sh dev

clean:
	rm -rf .venv .cache out dist
