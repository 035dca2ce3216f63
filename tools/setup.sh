#!/usr/bin/env bash
# Makes .venv in the project's root: "runtime" for trustcell itself, "dev" for its tests as well.
# On Debian it installs the system packages it finds missing, when it may.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?runtime or dev}

need() { # need COMMAND-THAT-SUCCEEDS PACKAGE...
  local check=$1; shift
  if ! eval "$check" >/dev/null 2>&1; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
      echo "missing: install the packages $* (as root: apt-get install $*)" >&2
      exit 1
    fi
  fi
}

python=
for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
  if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  need false python3 python3-venv
  python=python3
fi
need "$python -c 'import ensurepip, venv'" python3-venv

[ -x .venv/bin/python ] || "$python" -m venv .venv
export PIP_CONSTRAINT=$PWD/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1
case $what in
  runtime) .venv/bin/pip install -q -e . ;;
  dev)
    .venv/bin/pip install -q -e '.[dev]'
    # A real server for the tests of the store, which start one of their own; Debian keeps it out of the path.
    need 'ls /usr/lib/postgresql/*/bin/postgres || command -v postgres' postgresql
    # The token of the keystore tests.
    need 'command -v softhsm2-util' softhsm2
    # The published clients that the tests drive; one of them signs with a Java program.
    need 'command -v npm' nodejs npm
    need "java -version 2>&1 | grep -Eq 'version \"(1[7-9]|2[0-9])'" openjdk-17-jre-headless
    # Reads the unit that make dist brings.
    need 'command -v systemd-analyze' systemd
    # The browser of the console's tests, and the scan for accessibility that runs in it.
    need 'command -v chromium' chromium
    [ -d .cache/clients/node_modules/axe-core ] ||
      npm install --silent --no-audit --no-fund --no-package-lock --prefix .cache/clients 'axe-core@4.14.1'
    clients=.cache/clients/node_modules/@smartdcc
    [ -d $clients/dccboxed-keystore ] && [ -d $clients/duis-sign-wrap ] && [ -d $clients/duis-parser ] && [ -d $clients/duis-templates ] ||
      npm install --silent --no-audit --no-fund --no-package-lock --prefix .cache/clients \
        '@smartdcc/dccboxed-keystore@0.4.2' '@smartdcc/duis-sign-wrap@0.1.2' '@smartdcc/duis-parser@0.6.0' '@smartdcc/duis-templates@0.5.0'
    ;;
  *) echo "runtime or dev expected, not $what" >&2; exit 2 ;;
esac
touch ".venv/.$what"
