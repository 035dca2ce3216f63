#!/usr/bin/env bash
# Makes dist/ anew from the tracked files: wheel, sdist, SBOM, manual page, shell completion, deployment files.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist} bin=.venv/bin
rm -rf "$out" && mkdir -p "$out/completion"

"$bin/python" -m build --no-isolation --outdir "$out" . >/dev/null
"$bin/sphinx-build" -q -W -b man docs "$out/.man" && gzip -9nc "$out/.man/trustcell.1" >"$out/trustcell.1.gz"
rm -rf "$out/.man"
for shell in bash zsh fish; do
  _TRUSTCELL_COMPLETE=source_$shell "$bin/trustcell" >"$out/completion/trustcell.$shell"
done
# What the wheel brings with it, and nothing that only the tests want: an environment of its own says so.
"$bin/python" -m venv "$out/.venv"
PIP_CONSTRAINT=$PWD/constraints.txt "$out/.venv/bin/pip" install -q --disable-pip-version-check "$out"/trustcell-*.whl
"$bin/cyclonedx-py" environment --pyproject pyproject.toml --mc-type application --output-reproducible \
  --output-file "$out/trustcell.cdx.json" "$out/.venv/bin/python"
rm -rf "$out/.venv"
cp deploy/Containerfile deploy/trustcell.service "$out/"
(cd "$out" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
ls -1 "$out"
