#!/bin/sh
# Makes .venv with the core and every plugin from this tree, and pulls the weights of the embedded speech stack.
#   sh .ci/setup.sh run    what a conversation needs
#   sh .ci/setup.sh test   the same and the tools of tests/run.sh
# Nothing is done twice: a stamp in .venv holds a hash of everything that decides what is installed.
set -eu
cd "$(dirname "$0")/.."
profile=${1:-run}
began=$(date +%s)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

# Debian packages that are not there yet; what cannot be installed is named and left out.
debian() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if may_install; then
        say "installing Debian packages:$missing"
        if as_root apt-get -qq update >/dev/null &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
        then
            return 0
        fi
    fi
    say "not installed:$missing (as root: apt-get install$missing)"
    return 1
}

# ------------------------------------------------------------ a Python to build on

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

python=$(find_python) || { debian python3 python3-venv && python=$(find_python); } ||
    fail "needs Python 3.11 or newer; name one with PYTHON=/path/to/python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv ||
    fail "$python has no venv module: install python3-venv"

# ------------------------------------------------------------ the virtual environment

case $profile in
    run) ;;
    test) debian pocketsphinx-testdata || say "tests on recorded speech will be skipped" ;;
    *) fail "usage: sh .ci/setup.sh run|test" ;;
esac

plugins=$(for file in plugins/*/pyproject.toml; do [ -e "$file" ] && dirname "$file"; done)
want=$({
    cat .ci/setup.sh pyproject.toml constraints.txt
    for plugin in $plugins; do echo "$plugin"; cat "$plugin/pyproject.toml"; done
    pwd
    "$python" -VV
} | sha256sum | cut -d ' ' -f 1)
stamp=.venv/.installed-$profile

if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
    say "making .venv (the first time takes one to three minutes)"
    .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    # The build tools are pinned too, so the packages of this tree are built without an environment of their own.
    set -- install -q --upgrade -c constraints.txt
    .venv/bin/python -m pip "$@" pip hatchling editables
    set -- "$@" --no-build-isolation -e ".[fast]"
    for plugin in $plugins; do
        set -- "$@" -e "$plugin"
        # What only the plugin's own tests need.
        if [ "$profile" = test ] && grep -q '^test = ' "$plugin/pyproject.toml"; then
            set -- "$@" --group "$plugin/pyproject.toml:test"
        fi
    done
    [ "$profile" = run ] || set -- "$@" --group dev
    .venv/bin/python -m pip "$@"
    printf '%s\n' "$want" >"$stamp"
    if [ "$profile" = test ]; then printf '%s\n' "$want" >.venv/.installed-run; fi
    say "installed in $(($(date +%s) - began)) s, $(du -sm .venv | cut -f 1) MB"
fi

# ------------------------------------------------------------ weights

.venv/bin/active-call models pull embedded
say "ready after $(($(date +%s) - began)) s"
