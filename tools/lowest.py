"""Prints the lowest supported version of each dependency as pins for pip."""

from __future__ import annotations

from importlib.metadata import requires

from packaging.requirements import Requirement

EXTRAS = ("", "plots", "examples")


def pin(requirement: Requirement) -> str | None:
    """`name==version` of the lower bound; None without one, or for another extra."""
    wanted = requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in EXTRAS
    )
    bounds = [bound.version for bound in requirement.specifier if bound.operator == ">="]
    return f"{requirement.name}=={bounds[0]}" if wanted and bounds else None


if __name__ == "__main__":
    pins = [pin(Requirement(text)) for text in requires("keras_glove") or ()]
    print(*filter(None, pins))
