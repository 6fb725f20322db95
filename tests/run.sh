#!/bin/sh
# Sets everything up, then runs all checks and all tests. Arguments go to pytest: sh tests/run.sh -k resample
set -eu
cd "$(dirname "$0")/.."
sh .ci/setup.sh test
bin=$PWD/.venv/bin
failed=

check() {
    printf '\n== %s\n' "$*"
    "$bin/$@" || failed="$failed '$*'"
}

check ruff check .
check ruff format --check .
check mypy
check lint-imports

# Where the weights are that the set-up has pulled: some tests look nowhere else.
OFFLINE_MODELS_DIR=$("$bin/active-call" models path)
export OFFLINE_MODELS_DIR

status=0
if [ -n "$failed" ]; then
    printf '\nchecks that failed:%s (the exit status will be 1, whatever the tests say)\n' "$failed"
    status=1
fi
printf '\n== pytest\n'
"$bin/pytest" tests plugins/*/tests "$@" || status=$?
exit "$status"
