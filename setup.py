"""Installs keras_glove, with the top-level rooms `callbacks/` and `tpu/` inside it."""

from __future__ import annotations

from setuptools import find_packages, setup

ROOMS = {
    "keras_glove": "keras_glove",
    "keras_glove.callbacks": "callbacks",
    "keras_glove.tpu": "tpu",
}


def packages() -> list[str]:
    found = []
    for package, folder in ROOMS.items():
        found.append(package)
        found += [f"{package}.{name}" for name in find_packages(folder)]
    return found


setup(packages=packages(), package_dir=ROOMS)
