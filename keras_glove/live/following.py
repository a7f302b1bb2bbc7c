"""`rebind` and `clone` for live objects too: what they give is live, and keeps weights.

A live object is changed by its program: the program is changed, and a new object built from it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

import keras

from keras_glove.errors import ArgumentError
from keras_glove.live.inputs import BuiltFor
from keras_glove.live.resetting import reset
from keras_glove.live.weights import (
    WeightReport,
    carry_weights,
    freeze_like,
    places,
    put_weights,
)
from keras_glove.symbolic import (
    MISSING,
    Node,
    Program,
    build,
    children,
    clone as clone_program,
    is_open,
    rebind as rebind_program,
)
from keras_glove.symbolic.path import Path
from keras_glove.symbolic.recording import describe

__all__ = ["Weights", "clone", "rebind"]

Weights = Literal["keep where shapes agree", "matching", "fresh"]

_LOGGER = logging.getLogger("keras_glove")


def clone(
    value: Any,
    *,
    share: str | Callable[[Any], Any] | None = None,
    weights: Weights | None = None,
) -> Any:
    """A copy of a program, or of a live object such as a Keras model.

    A copy of a program shares no node and no container with it; a node that stands in two places
    is one node in the copy, too, and leaves (arrays, functions, live objects) are the same.
    A copy of a live object is built anew from the program that describes it; a Keras model is
    not compiled, as after `keras.models.clone_model`.

    Args:
      value: a program, a container of programs, or a live object.
      share: for a program: a pattern for paths, as in `query`, or a predicate on programs. What
        it holds for is not copied, but stands in the copy itself.
      weights: for a Keras layer or model: "matching" (the default; or "keep where shapes agree")
        gives the copy the weights of the original, "fresh" lets it start anew.

    Raises:
      ArgumentError: an option that is not for this kind of value.
      DescriptionError: a live object that no program describes.
      PathError: `share` is a pattern that matches nothing.

    >>> layer = keras.layers.Dense(2)
    >>> layer.build((None, 3))
    >>> copy = clone(layer)
    >>> copy is layer, bool((copy.get_weights()[0] == layer.get_weights()[0]).all())
    (False, True)
    """
    program = _program_of(value)
    if program is None:
        _refuse(value, weights=weights)
        return clone_program(value, share=share)
    _refuse(value, share=share)
    made = build(program)
    _carry(value, made, weights, "clone")
    return made


def rebind(
    value: Any,
    changes: str | Path | Mapping[str | Path, Any] | Callable[[Any], Any] | None = None,
    new: Any = MISSING,
    /,
    *,
    weights: Any = MISSING,
    in_place: Any = MISSING,
    **arguments: Any,
) -> Any:
    """Changes a program in place and returns it; of a live object it gives a changed new one.

    Where any change is bad, nothing changes.

    Args:
      value: a program; a container or hyper-value, of which a changed copy is returned; or a live
        object, such as a Keras layer or model, that a program describes.
      changes: a path, whose new value follows; or a mapping of paths to new values; or a
        function that gets every value inside, children first, and returns what stands in
        its place. A path may be a pattern, as in `query`: all that it matches gets the value.
      new: the new value, where `changes` is one path. `MISSING`, here as in a mapping, removes
        an argument, or an item of a list or dict.
      weights: for a Keras layer or model that has weights: "matching" (the default) carries over
        every weight whose place and shape stay what they were, and logs the rest as a warning;
        "fresh" lets all start anew. `keras_glove.models.weight_report` tells what was kept.
      in_place: for a live object: True makes the object itself anew, instead of a new one.
      **arguments: new values for arguments of the program itself. Where the class or function
        takes arguments named `weights` or `in_place`, a mapping changes them.

    Returns:
      The program; or a live object, or its program where an open value was put into it.

    Raises:
      PathError: a path does not exist, or a pattern matches nothing.
      ArgumentError: a name that the class or function does not take, a cycle, or an option that
        is not for this kind of value.
      DescriptionError: a live object that no program describes.

    >>> from keras_glove.symbolic import program
    >>> rebind(program(dict, a=1, b=[1, 2]), {"b[0]": 5}, a=2)
    dict(a=2, b=[5, 2])
    >>> layer = keras.layers.Dense(2)
    >>> rebind(layer, units=4).units, layer.units
    (4, 2)
    """
    options = {"weights": weights, "in_place": in_place}
    given = {name: option for name, option in options.items() if option is not MISSING}
    program = _program_of(value)
    if program is None:
        return rebind_program(value, changes, new, **arguments, **given)
    changed = rebind_program(clone_program(program), changes, new, **arguments)
    if given.get("in_place"):
        return _in_place(value, changed, given.get("weights"))
    if not isinstance(changed, Program) or is_open(changed):
        return changed
    made = build(changed)
    _carry(value, made, given.get("weights"), "rebind")
    return made


def _program_of(value: Any) -> Program | None:
    """The program of a live object; None for what is none."""
    if isinstance(value, Node | type) or children(value) is not None:
        return None
    program = describe(value)
    return program if isinstance(program, Program) else None


def _refuse(value: Any, **options: Any) -> None:
    for name, option in options.items():
        if option is not None:
            kind = "a program" if isinstance(value, Node) else f"a {type(value).__name__}"
            raise ArgumentError(f"Expected no {name!r} for {kind}, received {option!r}.")


# -- weights -------------------------------------------------------------------------------


def _carry(value: Any, made: Any, weights: Weights | None, operation: str) -> None:
    if _has_weights(value, weights) and isinstance(made, keras.Layer):
        _tell(operation, made, carry_weights(value, made))
    if isinstance(value, keras.Layer) and isinstance(made, keras.Layer):
        freeze_like(made, value)


def _in_place(live: Any, program: Any, weights: Weights | None) -> Any:
    if not isinstance(program, Program) or is_open(program):
        raise ArgumentError(
            f"Expected concrete values for a live {type(live).__name__}, received an open one. "
            "Leave out `in_place`: what is returned is a program, a search space."
        )
    if not _has_weights(live, weights):
        reset(live, program)
        return live
    built_for = BuiltFor.of(live)
    before = {place: weight.numpy() for place, weight in places(live)}
    reset(live, program)
    built_for.build(live)
    _tell("rebind", live, put_weights(before, live))
    return live


def _has_weights(value: Any, weights: Weights | None) -> bool:
    """Whether there are weights that are to be carried over."""
    if not isinstance(value, keras.Layer):
        _refuse(value, weights=weights)
        return False
    if weights not in (None, *get_args(Weights)):
        raise ArgumentError(
            f"Expected `weights` to be one of {list(get_args(Weights))}, received {weights!r}."
        )
    return weights != "fresh" and bool(value.weights)


def _tell(operation: str, layer: keras.Layer, report: WeightReport) -> None:
    level = logging.INFO if report.complete else logging.WARNING
    _LOGGER.log(level, "%s of %r: %s", operation, layer.name, report)
