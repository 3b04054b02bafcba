#!/bin/sh
# Make .venv from the hash-pinned lock: with uv when it is on the PATH, else with python's own venv and pip.
# Does nothing when .venv was made from the very same files.
set -eu
cd "$(dirname "$0")/.."
lock=requirements/dev.txt
stamp=.venv/touchline-setup

fail() {
    printf '%s\n' "make setup: $1" >&2
    exit 1
}

# what .venv depends on: the lock, how the project itself is installed, and where it lies
state="$(cksum "$lock" pyproject.toml requirements/setup.sh) $PWD"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

modern='import sys; sys.exit(not ((3, 11) <= sys.version_info[:2]))'
python=${PYTHON:-}
if [ -z "$python" ]; then
    for name in python3.13 python3.12 python3.11 python3 python; do
        # a name may be there and still not run: version managers leave such shims
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$modern" >/dev/null 2>&1; then
            python=$name
            break
        fi
    done
fi
if [ -z "$python" ]; then
    found=$(python3 --version 2>&1 || true)
    fail "Python 3.11 or newer is needed; found: ${found:-none}. Install one (Debian, Ubuntu: apt install python3 python3-venv;
    macOS: brew install python), or name it: make setup PYTHON=/path/to/python3.13"
fi
"$python" -c "$modern" || fail "$python is $("$python" --version 2>&1); Python 3.11 or newer is needed"

echo "Setting up .venv from $lock: once, a minute or two ..." >&2
rm -rf .venv
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --python "$python" .venv
    uv pip sync --quiet --python .venv/bin/python --require-hashes "$lock"
    uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
else
    "$python" -m venv .venv 2>.venv.log || {
        cat .venv.log >&2
        rm -rf .venv .venv.log
        fail "$python cannot make virtual environments. Install its venv module (Debian, Ubuntu: apt install python3-venv)"
    }
    rm -f .venv.log
    pip() { .venv/bin/python -m pip --quiet --disable-pip-version-check "$@"; }
    pip install --require-hashes --no-deps --prefer-binary -r "$lock"
    pip install --no-deps --no-build-isolation --editable .
fi
printf '%s' "$state" >"$stamp"
