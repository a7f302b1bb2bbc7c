"""Names by which code can reach classes and functions, and the imports that they need."""

from __future__ import annotations

from typing import Any

from keras_glove.errors import SerializationError
from keras_glove.symbolic import registry
from keras_glove.symbolic.targets import findable, place_of, target_of

__all__ = ["Imports"]


class Imports:
    """The names that some code uses, each from the shortest module that has it."""

    def __init__(self) -> None:
        self._from: dict[str, set[str]] = {}  # module -> names that come from it
        self._modules: set[str] = set()
        self._taken: dict[str, Any] = {"kg": None}  # name in the code -> what it is

    def name_of_ours(self, name: str) -> str:
        """A name of the front door."""
        self._modules.add("keras_glove as kg")
        return f"kg.{name}"

    def name(self, value: Any) -> str:
        """How code names a class or function; raises `SerializationError` where it cannot."""
        target = target_of(value)
        module, qualified = _place_of(target, value)
        first = qualified.partition(".")[0]
        if module == "builtins" and first not in self._taken:
            return qualified
        known = self._taken.setdefault(first, (module, first))
        if known != (module, first):
            self._modules.add(module)
            return f"{module}.{qualified}"
        if module != "__main__":
            self._from.setdefault(module, set()).add(first)
        return qualified

    def new_name(self, base: str) -> str:
        """A name for a variable that nothing else has: `base_1`, `base_2` and so on."""
        number = 1
        while f"{base}_{number}" in self._taken:
            number += 1
        self._taken[f"{base}_{number}"] = None
        return f"{base}_{number}"

    def lines(self) -> list[str]:
        """The import statements, sorted."""
        plain = [f"import {module}" for module in sorted(self._modules)]
        return plain + [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(self._from.items())
        ]


def _place_of(target: Any, value: Any) -> tuple[str, str]:
    """The module and the qualified name under which a class or function is found."""
    told = place_of(target)
    if told is not None:
        module, qualified = told
        parts = module.split(".")
        places = [(".".join(parts[:size]), qualified) for size in range(1, len(parts) + 1)]
        if registry.is_registered(target):
            first, _, last = registry.name_of(target).rpartition(".")
            places.insert(0, (first, last))
        for place in places:
            if findable(*place, target) is not None:
                return place
    raise SerializationError(
        f"Expected a class or function that a module holds, received {value!r}, which code cannot "
        "name. A function needs a `def` at the top of a module; `kg.to_json` keeps large arrays, "
        "and a live object needs a program that describes it."
    )
