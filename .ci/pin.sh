#!/bin/sh
# Writes constraints.txt anew: the newest versions that the ranges in the pyproject.toml files allow, as one set.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch"
pip="$scratch/bin/python -m pip --disable-pip-version-check"
$pip install -q --upgrade pip hatchling editables
set -- -e ".[fast]" --group dev
for file in plugins/*/pyproject.toml; do
    set -- "$@" -e "$(dirname "$file")"
    if grep -q '^test = ' "$file"; then set -- "$@" --group "$file:test"; fi
done
$pip install -q --no-build-isolation "$@"
{
    echo "# Written by .ci/pin.sh; the ranges stand in the pyproject.toml files."
    $pip freeze --all --exclude-editable | grep -v '^setuptools=='
} >constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) packages"
