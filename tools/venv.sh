#!/usr/bin/env bash
# Usage: tools/venv.sh EXTRA
# Makes the virtual environment $VENV (default .venv) with keras_glove[EXTRA] in it, editable, and
# dependencies pinned by $PINS ("name==version name==version", default none).
# Prints and does nothing when that is already so. Never touches an environment it did not make.
set -euo pipefail
cd "$(dirname "$0")/.."
extra=$1
venv=${VENV:-.venv}
pins=${PINS:-}
marker=$venv/made-by-make
stamp=$venv/installed-$extra
# An activated environment, or the user's pip settings, must not redirect what is installed here.
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
  echo "make: $*" >&2
  exit 1
}

# Told by running it: a name on the PATH may be a shim that fails, or lack the venv module.
# TensorFlow has no wheels for Python 3.14 and later yet.
usable() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
    >/dev/null 2>&1
}

version() { "$1" --version 2>/dev/null || echo 'it does not run'; }

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if usable "$name"; then
      echo "$name"
      return
    fi
  done
  name=${PYTHON:-python3}
  fail "keras_glove needs Python 3.10 to 3.13 with its venv and ensurepip modules (on Debian: the" \
    "package python3-venv). Tried $name: $(version "$name"). Install one," \
    "or name one: make PYTHON=/path/to/python3.12 ..."
}

# What the installation depends on; the folder too, since an editable install points to it.
wanted() { { pwd && echo "$pins" && cat pyproject.toml setup.py tools/venv.sh; } | cksum; }

up_to_date() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ] && "$venv/bin/python" -c '' 2>/dev/null
}

# Two makes at once: the second waits; a lock whose owner was killed is taken over.
lock() {
  local owner
  until mkdir "$venv.lock" 2>/dev/null; do
    owner=$(cat "$venv.lock/pid" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$venv.lock"; fi
    sleep 1
  done
  echo $$ >"$venv.lock/pid"
  trap 'rm -rf "$venv.lock"' EXIT
}

create() {
  local python
  if [ -e "$venv" ] && [ ! -f "$marker" ]; then
    fail "$venv exists and was not made by make. Choose another folder: make VENV=.venv-make ..."
  fi
  if [ -f "$marker" ] && usable "$venv/bin/python"; then return; fi
  python=$(find_python)
  "$python" -m venv --clear "$venv"
  touch "$marker"
  # The resolver of pip 23 (Python 3.10) walks for many minutes where today's takes seconds.
  "$venv/bin/python" -m pip install --quiet --quiet --upgrade pip
}

up_to_date && exit
lock
up_to_date && exit
create
echo "Installing keras_glove[$extra] in $venv (the first time one to three minutes) ..."
"$venv/bin/python" -m pip install --quiet --quiet --editable ".[$extra]" $pins
wanted >"$stamp"
