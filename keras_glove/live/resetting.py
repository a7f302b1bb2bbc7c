"""Making a live object anew in its own place, as if it had just been called for."""

from __future__ import annotations

from typing import Any

from keras_glove.errors import ArgumentError
from keras_glove.symbolic import Program, build, signature_of
from keras_glove.symbolic.recording import remember

__all__ = ["reset"]


class _NoHooks:
    """First among the bases of a class that nobody is to hear of."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        pass


def reset(live: Any, program: Program) -> None:
    """Makes `live` what `program` describes, without weights; where that fails, nothing changes.

    Everything that the object was is dropped, Keras's lock on built layers included.

    Raises:
      ArgumentError: the object is not of the class that the program calls; or it stands in the
        graph of a functional model, which would not hold any more.
    """
    cls = type(live)
    if program.__target__ is not cls or not hasattr(live, "__dict__"):
        raise ArgumentError(
            f"Expected an object that a call of its class makes, received a {cls.__name__}, which "
            f"comes from {signature_of(program.__target__).text}. Leave out `in_place`: what is "
            "returned is a new object."
        )
    if getattr(live, "_outbound_nodes", None) or getattr(live, "_inbound_nodes", None):
        raise ArgumentError(
            f"Expected a layer that stands in no functional model, received {live.name!r}, which "
            "was called on symbolic tensors. Change the model (`kg.rebind(model, ...)`), or leave "
            "out `in_place`."
        )
    args, kwargs = signature_of(cls).call_arguments(build(program.__arguments__))
    before = dict(vars(live))
    vars(live).clear()
    try:
        _make_again(live, args, kwargs)
    except BaseException:
        vars(live).clear()
        vars(live).update(before)
        raise
    remember(live, program)


def _make_again(live: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    """What a call of the class does, with `live` in place of a new object.

    Keras prepares its objects in `__new__`. So that runs, on a class of which `object.__new__`
    would be asked last: here it is asked for `live` instead.
    """
    cls = type(live)

    class Instead:
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return live

    again: Any = type(cls.__name__, (_NoHooks, cls, Instead), {"__module__": cls.__module__})
    cls.__new__(again, *args, **kwargs)
    cls.__init__(live, *args, **kwargs)
