"""The two abstract kinds of symbolic value: `Node`, and `OpenValue` among them.

A node has identity: used in two places of a program it is one node. Plain
containers (list, tuple, dict) have none; they belong to the node that holds them.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import optree

from keras_glove.errors import OpenValueError

NAMESPACE = "keras_glove"
"""The optree namespace in which nodes are registered."""

__all__ = ["MISSING", "NAMESPACE", "Missing", "Node", "OpenValue"]


class Missing:
    """The value of what is not there: an argument not given, a side of a difference."""

    _instance: ClassVar[Missing | None] = None

    def __new__(cls) -> Missing:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple[type[Missing], tuple[()]]:
        return (Missing, ())


MISSING = Missing()


def _flatten(node: Node) -> tuple[list[Any], tuple[type[Node], Node], list[str]]:
    children = node.__children__()
    return list(children.values()), (type(node), node), list(children)


def _unflatten(meta: tuple[type[Node], Node], values: Any) -> Node:
    node = meta[1]
    return node.__rebuild__(dict(zip(node.__children__(), values, strict=True)))


class Node:
    """Base of everything symbolic that is not a plain container.

    A subclass says which named children it has, how to make a node like it with
    other children, and with which keyword arguments it can be made again.
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        optree.register_pytree_node(cls, _flatten, _unflatten, namespace=NAMESPACE)  # type: ignore[arg-type]

    def __children__(self) -> dict[str, Any]:
        """The named children, in a fixed order."""
        raise NotImplementedError

    def __rebuild__(self, children: dict[str, Any]) -> Node:
        """A new node of this kind with `children` in place of its own."""
        raise NotImplementedError

    def __fields__(self) -> dict[str, Any]:
        """All keyword arguments that make an equal node; read by JSON, equality and repr."""
        raise NotImplementedError

    def __call_form__(self) -> tuple[str, list[tuple[str, Any]]]:
        """How the node reads as code: the name that is called, and (prefix, argument) pairs."""
        return type(self).__name__, [(f"{name}=", v) for name, v in self.__fields__().items()]

    def __repr__(self) -> str:
        from keras_glove.symbolic.formatting import format_program

        return format_program(self)

    def _repr_html_(self) -> str:
        from keras_glove.symbolic.display import to_html

        return to_html(self)


class OpenValue(Node):
    """A place in a program that is not decided yet; hyper-values derive from it.

    It stands for a value but is none: computing with it raises `OpenValueError`.
    """

    __slots__ = ()

    def _refuse(self, use: str) -> NoReturn:
        raise OpenValueError(
            f"Expected a concrete value for {use}, received the open value {self!r}. "
            "An open value can be an argument of a symbolic class or function, or stand in a "
            "list or dict that is one. To compute with its value, do so inside a symbolic class "
            "or function that takes it as an argument, or inside a function given to `kg.trace`."
        )

    def __bool__(self) -> bool:
        self._refuse("a condition (bool)")

    def __int__(self) -> int:
        self._refuse("int()")

    def __float__(self) -> float:
        self._refuse("float()")

    def __complex__(self) -> complex:
        self._refuse("complex()")

    def __index__(self) -> int:
        self._refuse("an index, range() or size")

    def __len__(self) -> int:
        self._refuse("len()")

    def __iter__(self) -> Any:
        self._refuse("iteration")

    def __contains__(self, item: object) -> bool:
        self._refuse("the operator 'in'")

    def __getitem__(self, key: Any) -> Any:
        self._refuse("indexing")

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """The program of calling whatever is chosen; see `keras_glove.symbolic.call`."""
        from keras_glove.symbolic.calling import call

        return call(self, *args, **kwargs)

    def __round__(self, ndigits: int | None = None) -> Any:
        self._refuse("round()")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        self._refuse("conversion to an array")


def _refusing(symbol: str) -> Any:
    def operator(self: OpenValue, *_: Any) -> Any:
        self._refuse(f"the operator '{symbol}'")

    return operator


_BINARY = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%",
    "divmod": "divmod", "pow": "**", "lshift": "<<", "rshift": ">>", "and": "&", "or": "|",
    "xor": "^", "matmul": "@",
}  # fmt: skip
_OTHERS = {
    "neg": "-", "pos": "+", "abs": "abs", "invert": "~",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "trunc": "trunc", "floor": "floor", "ceil": "ceil",
}  # fmt: skip
for _name, _symbol in _BINARY.items():
    setattr(OpenValue, f"__{_name}__", _refusing(_symbol))
    setattr(OpenValue, f"__r{_name}__", _refusing(_symbol))
for _name, _symbol in _OTHERS.items():
    setattr(OpenValue, f"__{_name}__", _refusing(_symbol))
