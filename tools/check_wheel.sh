#!/usr/bin/env bash
# Installs the wheel of build/dist in an environment that has nothing else, and imports it there,
# from a folder in which no source of ours lies.
set -euo pipefail
cd "$(dirname "$0")/../build"
unset PYTHONPATH PYTHONHOME
"../${VENV:-.venv}/bin/python" -m venv --clear clean
clean/bin/python -m pip install --quiet --quiet --upgrade pip
clean/bin/python -m pip install --quiet --quiet dist/*.whl
clean/bin/python -m pip check
mkdir -p empty && cd empty
../clean/bin/python - 2>import.log <<'PYTHON' || { cat import.log; exit 1; }
import importlib.metadata
import pathlib
import sys

import keras_glove
import keras_glove.callbacks
import keras_glove.tpu

for module in (keras_glove, keras_glove.callbacks, keras_glove.tpu):
    if not pathlib.Path(module.__file__).is_relative_to(sys.prefix):
        sys.exit(f"{module.__name__} was imported from {module.__file__}, not from the wheel")
print("The wheel of keras_glove", importlib.metadata.version("keras_glove"), "installs and imports.")
PYTHON
