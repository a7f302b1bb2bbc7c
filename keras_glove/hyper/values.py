"""Hyper-values: the places of a program that a search decides."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, NoReturn, Protocol

from keras_glove.hyper import checks
from keras_glove.hyper.checks import Share
from keras_glove.hyper.points import Scale
from keras_glove.symbolic import OpenValue, register_node_kind
from keras_glove.symbolic.making import stand_in

__all__ = [
    "TRACER",
    "FloatV",
    "HyperValue",
    "IntV",
    "ManyOf",
    "OneOf",
    "Permutate",
    "Tracer",
    "floatv",
    "intv",
    "manyof",
    "oneof",
    "opened",
    "permutate",
]

_set = object.__setattr__


class Tracer(Protocol):
    """Decides hyper-values at the moment they are made; see `keras_glove.hyper.tracing`."""

    def decide(self, value: HyperValue) -> Any:
        """The concrete value to go on with."""


TRACER: ContextVar[Tracer | None] = ContextVar("keras_glove_tracer", default=None)


class HyperValue(OpenValue):
    """A place in a program that is still open. Immutable; used in two places it is one decision.

    Attributes:
      name: what to call the decision, or None to name it after its place.
      hints: JSON-able notes for algorithms and tools; keras_glove itself does not read them.
      share: how a supernet shares weights over the values: "slice", "none" or "transform"; None for
        what is usual, "slice". Read by `keras_glove.weight_sharing` alone.
    """

    __slots__ = ("hints", "name", "share")
    name: str | None
    hints: Any
    share: Share | None

    def _name(self, form: str, name: str | None, hints: Any, share: Share | None = None) -> None:
        _set(self, "name", checks.checked_name(form, name))
        _set(self, "hints", checks.checked_hints(form, hints))
        _set(self, "share", checks.checked_share(form, share))

    def _notes(self) -> dict[str, Any]:
        """The fields that all hyper-values have."""
        shared = {} if self.share is None else {"share": self.share}
        return {"name": self.name, "hints": self.hints, **shared}

    def __call_form__(self) -> tuple[str, list[tuple[str, Any]]]:
        positional, options = self._form()
        notes = {key: (value, None) for key, value in self._notes().items()}
        options = {**options, **notes}
        keywords = [(f"{key}=", v) for key, (v, default) in options.items() if v != default]
        return type(self).__name__.lower(), [("", v) for v in positional] + keywords

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        """Positional arguments, and keywords with their defaults."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        self._stay(name)

    def __delattr__(self, name: str) -> NoReturn:
        self._stay(name)

    def _stay(self, name: str) -> NoReturn:
        raise AttributeError(
            f"Expected {self!r} to stay as it is, received a change of {name!r}: hyper-values "
            "are immutable. Put a new one in its place with `kg.rebind`."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (_remake, (type(self), self.__fields__()))


def _remake(kind: type[HyperValue], fields: dict[str, Any]) -> HyperValue:
    return kind(**fields)


class _Choice(HyperValue):
    """Hyper-values over candidates, which can hold further hyper-values."""

    __slots__ = ("candidates",)
    candidates: tuple[Any, ...]

    def __children__(self) -> dict[str, Any]:
        return {"candidates": list(self.candidates)}

    def __rebuild__(self, children: dict[str, Any]) -> HyperValue:
        return _remake(type(self), {**self.__fields__(), **children})


@register_node_kind
class OneOf(_Choice):
    """One of several candidates; see `oneof`."""

    __slots__ = ()

    def __init__(
        self,
        candidates: Sequence[Any],
        *,
        name: str | None = None,
        hints: Any = None,
        share: Share | None = None,
    ) -> None:
        self._name("oneof", name, hints, share)
        raw = TRACER.get() is not None
        _set(self, "candidates", checks.checked_candidates("oneof", candidates, raw=raw))

    def __fields__(self) -> dict[str, Any]:
        return {"candidates": list(self.candidates), **self._notes()}

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [list(self.candidates)], {}


@register_node_kind
class ManyOf(_Choice):
    """Several of several candidates, as a list; see `manyof`."""

    __slots__ = ("distinct", "k", "sorted")
    k: int
    distinct: bool
    sorted: bool

    def __init__(
        self,
        k: int,
        candidates: Sequence[Any],
        *,
        distinct: bool = True,
        sorted: bool = False,
        name: str | None = None,
        hints: Any = None,
        share: Share | None = None,
    ) -> None:
        self._fill("manyof", k, candidates, distinct, sorted)
        self._name("manyof", name, hints, share)

    def _fill(
        self, form: str, k: int | None, candidates: Sequence[Any], distinct: bool, sorted: bool
    ) -> None:
        raw = TRACER.get() is not None
        checked = checks.checked_candidates(form, candidates, raw=raw)
        count = len(checked) if k is None else k
        _set(self, "candidates", checked)
        _set(self, "distinct", checks.checked_flag(form, "distinct", distinct))
        _set(self, "sorted", checks.checked_flag(form, "sorted", sorted))
        _set(self, "k", checks.checked_count(form, count, len(checked), distinct))

    def __fields__(self) -> dict[str, Any]:
        return {
            "k": self.k,
            "candidates": list(self.candidates),
            "distinct": self.distinct,
            "sorted": self.sorted,
            **self._notes(),
        }

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        options = {"distinct": (self.distinct, True), "sorted": (self.sorted, False)}
        return [self.k, list(self.candidates)], options


@register_node_kind
class Permutate(ManyOf):
    """All candidates in an order to be found; see `permutate`."""

    __slots__ = ()

    def __init__(
        self,
        candidates: Sequence[Any],
        *,
        name: str | None = None,
        hints: Any = None,
        share: Share | None = None,
    ) -> None:
        self._fill("permutate", None, candidates, True, False)
        self._name("permutate", name, hints, share)

    def __fields__(self) -> dict[str, Any]:
        return {"candidates": list(self.candidates), **self._notes()}

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [list(self.candidates)], {}


class _Number(HyperValue):
    """Hyper-values over a range of numbers."""

    __slots__ = ("high", "low", "scale")
    low: Any
    high: Any
    scale: Scale

    def __children__(self) -> dict[str, Any]:
        return {}

    def __rebuild__(self, children: dict[str, Any]) -> HyperValue:
        return _remake(type(self), self.__fields__())


@register_node_kind
class IntV(_Number):
    """An integer from a range; see `intv`."""

    __slots__ = ("step",)
    low: int
    high: int
    step: int

    def __init__(
        self,
        low: int,
        high: int,
        *,
        step: int = 1,
        scale: Scale = "linear",
        name: str | None = None,
        hints: Any = None,
        share: Share | None = None,
    ) -> None:
        self._name("intv", name, hints, share)
        for key, value in checks.checked_int_range(low, high, step, scale).items():
            _set(self, key, value)

    def __fields__(self) -> dict[str, Any]:
        return {
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "scale": self.scale,
            **self._notes(),
        }

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [self.low, self.high], {"step": (self.step, 1), "scale": (self.scale, "linear")}


@register_node_kind
class FloatV(_Number):
    """A float from a range; see `floatv`."""

    __slots__ = ()
    low: float
    high: float

    def __init__(
        self,
        low: float,
        high: float,
        *,
        scale: Scale = "linear",
        name: str | None = None,
        hints: Any = None,
    ) -> None:
        self._name("floatv", name, hints)
        for key, value in checks.checked_float_range(low, high, scale).items():
            _set(self, key, value)

    def __fields__(self) -> dict[str, Any]:
        return {
            "low": self.low,
            "high": self.high,
            "scale": self.scale,
            **self._notes(),
        }

    def _form(self) -> tuple[list[Any], dict[str, tuple[Any, Any]]]:
        return [self.low, self.high], {"scale": (self.scale, "linear")}


def opened(value: HyperValue) -> Any:
    """A hyper-value as users get it: itself, or inside a function given to `trace` its decision.

    What users write is checked for equal candidates here: deciding a part of a space may leave
    such behind, where they do no harm.
    """
    if isinstance(value, _Choice):
        checks.check_distinct(type(value).__name__.lower(), value.candidates)
    tracer = TRACER.get()
    return stand_in(value) if tracer is None else tracer.decide(value)


def oneof(
    candidates: Sequence[Any],
    *,
    name: str | None = None,
    hints: Any = None,
    share: Share | None = None,
) -> Any:
    """One of several candidates.

    Candidates can be any values, programs and further hyper-values; what a candidate holds is
    decided only when it is chosen. Inside a function given to `trace` the chosen candidate is
    returned.

    Args:
      candidates: a list or tuple of at least one candidate, no two of them equal.
      name: what to call the decision; by default its place in the program.
      hints: JSON-able notes for algorithms and tools.
      share: how a supernet shares weights over the values, where they are numbers: "slice", of the
        largest weight a part (the default; Bender et al. 2020); "none", each value has weights of
        its own; "transform", for kernel sizes: a learned matrix makes a smaller kernel of the
        centre of a larger one (Cai et al. 2020, section 3.2).

    Raises:
      HyperValueError: candidates, name or hints that cannot be used.

    >>> oneof([16, 32, 64], name="width")
    oneof([16, 32, 64], name='width')
    """
    return opened(OneOf(candidates, name=name, hints=hints, share=share))


def manyof(
    k: int,
    candidates: Sequence[Any],
    *,
    distinct: bool = True,
    sorted: bool = False,
    name: str | None = None,
    hints: Any = None,
    share: Share | None = None,
) -> Any:
    """A list of k candidates.

    Each of the k slots gets its own copy of the candidate that it chooses, with decisions of its
    own below it.

    Args:
      k: how many to choose, at least 1.
      candidates: a list or tuple of candidates, as for `oneof`.
      distinct: no candidate is chosen twice.
      sorted: the chosen ones stand in the order of `candidates`, so only which ones counts.
      name: what to call the decisions: `name[0]`, `name[1]`, ...
      hints: JSON-able notes for algorithms and tools.
      share: as for `oneof`.

    Raises:
      HyperValueError: arguments that cannot be used, such as k above the number of
        candidates when they are to be distinct.

    >>> manyof(2, ["flip", "crop", "blur"], sorted=True)
    manyof(2, ['flip', 'crop', 'blur'], sorted=True)
    """
    options: Any = {"name": name, "hints": hints, "share": share}
    return opened(ManyOf(k, candidates, distinct=distinct, sorted=sorted, **options))


def permutate(
    candidates: Sequence[Any],
    *,
    name: str | None = None,
    hints: Any = None,
    share: Share | None = None,
) -> Any:
    """A list of all candidates, in an order to be found.

    Args and Raises: as for `oneof`.

    >>> permutate(["conv", "norm", "relu"])
    permutate(['conv', 'norm', 'relu'])
    """
    return opened(Permutate(candidates, name=name, hints=hints, share=share))


def intv(
    low: int,
    high: int,
    *,
    step: int = 1,
    scale: Scale = "linear",
    name: str | None = None,
    hints: Any = None,
    share: Share | None = None,
) -> Any:
    """An integer from `low` to `high`, both included.

    Args:
      low, high: the bounds, `low` below `high`.
      step: distance between two values; divides `high - low`.
      scale: how values are drawn and mutated. "linear": each alike. "log": low ones more often,
        value v with the mass of log((v + step) / v); needs `low` above 0. "reverse_log": the
        mirror image of "log", high ones more often.
      name: what to call the decision; by default its place in the program.
      hints: JSON-able notes for algorithms and tools.
      share: as for `oneof`.

    Raises:
      HyperValueError: bounds, step or scale that cannot be used.

    >>> intv(16, 256, step=16, scale="log")
    intv(16, 256, step=16, scale='log')
    """
    return opened(IntV(low, high, step=step, scale=scale, name=name, hints=hints, share=share))


def floatv(
    low: float,
    high: float,
    *,
    scale: Scale = "linear",
    name: str | None = None,
    hints: Any = None,
) -> Any:
    """A float from `low` to `high`.

    Args:
      low, high: the bounds, finite, `low` below `high`.
      scale: how values are drawn and mutated. "linear": uniformly. "log": uniformly in
        log(x); needs `low` above 0. "reverse_log": uniformly in log(low + high - x), the
        mirror image of "log", densest near `high`.
      name: what to call the decision; by default its place in the program.
      hints: JSON-able notes for algorithms and tools.

    Raises:
      HyperValueError: bounds or scale that cannot be used.

    >>> floatv(1e-4, 1e-1, scale="log", name="learning_rate")
    floatv(0.0001, 0.1, scale='log', name='learning_rate')
    """
    return opened(FloatV(low, high, scale=scale, name=name, hints=hints))
