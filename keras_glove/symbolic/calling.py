"""`call`: the program of calling what another program describes, such as a layer."""

from __future__ import annotations

from typing import Any

from keras_glove.errors import BuildError
from keras_glove.symbolic import registry
from keras_glove.symbolic.making import any_node, symbolic_call
from keras_glove.symbolic.node import Node
from keras_glove.symbolic.program import Program

__all__ = ["call", "called_node"]


def call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Calls a function, or describes the call where the function or an argument is symbolic.

    `p(x)` on a program or hyper-value `p` is short for `call(p, x)`. In the program of a
    call, what is called stands under `function` and the positional arguments under `args`.

    Args:
      function: what is called, or a program or hyper-value that stands for it.
      *args: positional arguments.
      **kwargs: keyword arguments; not named `function` or `args`.

    Returns:
      The result; or the `Program` of the call where anything in it is symbolic.

    Raises:
      BuildError: `function` cannot be called.

    >>> from keras_glove.symbolic import build, program
    >>> import operator
    >>> take = program(operator.itemgetter, 1)
    >>> take("abc")
    itemgetter(1)('abc')
    >>> build(take("abc")), call(len, "abc")
    ('b', 3)
    """
    if isinstance(function, Node) or any_node(args, kwargs):
        return symbolic_call(call, (function, *args), kwargs)
    if not callable(function):
        raise BuildError(
            f"Expected something to call, such as a layer or a function, received {function!r} of "
            f"type {type(function).__name__}, called with {args!r} and {kwargs!r}."
        )
    return function(*args, **kwargs)


registry.register(call, "keras_glove.call")


def called_node(program: Node) -> Node | None:
    """The program or hyper-value that `program` describes a call of; None for other programs."""
    if type(program) is not Program or program.__target__ is not call:
        return None
    function = program.__arguments__.get("function")
    return function if isinstance(function, Node) else None
