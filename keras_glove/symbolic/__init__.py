"""Programs: calls recorded as trees that can be read, changed, saved and built.

Knows nothing of Keras, of search spaces or of search.
"""

from keras_glove.symbolic.building import build
from keras_glove.symbolic.calling import call
from keras_glove.symbolic.canonical import fingerprint, sort_key
from keras_glove.symbolic.codegen import to_code
from keras_glove.symbolic.constructor import SymbolicConstructor
from keras_glove.symbolic.copying import clone
from keras_glove.symbolic.diffing import Difference, diff
from keras_glove.symbolic.display import to_html, tree
from keras_glove.symbolic.equality import equal
from keras_glove.symbolic.formatting import format_program
from keras_glove.symbolic.leaves import register_value_kind
from keras_glove.symbolic.making import add_call_handler, partial, program
from keras_glove.symbolic.merging import merge
from keras_glove.symbolic.node import MISSING, Missing, Node, OpenValue
from keras_glove.symbolic.origin import Origin, derive, lineage
from keras_glove.symbolic.patching import patch
from keras_glove.symbolic.path import Path, format_path, parse_path
from keras_glove.symbolic.program import Program
from keras_glove.symbolic.querying import missing, query
from keras_glove.symbolic.rebinding import get, rebind
from keras_glove.symbolic.recording import add_describer, describe
from keras_glove.symbolic.registry import name_of, register, resolve
from keras_glove.symbolic.serialization import from_json, to_json
from keras_glove.symbolic.signature import Signature, close_keywords, signature_of, take_keywords
from keras_glove.symbolic.symbolize import symbolize
from keras_glove.symbolic.traversal import (
    children,
    is_open,
    transform,
    walk,
    with_children,
)
from keras_glove.symbolic.writing import register_node_kind

__all__ = [
    "MISSING",
    "Difference",
    "Missing",
    "Node",
    "OpenValue",
    "Origin",
    "Path",
    "Program",
    "Signature",
    "SymbolicConstructor",
    "add_call_handler",
    "add_describer",
    "build",
    "call",
    "children",
    "clone",
    "close_keywords",
    "derive",
    "describe",
    "diff",
    "equal",
    "fingerprint",
    "format_path",
    "format_program",
    "from_json",
    "get",
    "is_open",
    "lineage",
    "merge",
    "missing",
    "name_of",
    "parse_path",
    "partial",
    "patch",
    "program",
    "query",
    "rebind",
    "register",
    "register_node_kind",
    "register_value_kind",
    "resolve",
    "signature_of",
    "sort_key",
    "symbolize",
    "take_keywords",
    "to_code",
    "to_html",
    "to_json",
    "transform",
    "tree",
    "walk",
    "with_children",
]
