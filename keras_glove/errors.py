"""Every exception that keras_glove raises on purpose.

All derive from `KerasGloveError`; each is also the built-in type that a caller
would catch. Messages say what was expected, what was received, how to fix it
and, where there is one, the path of the place in the program.
"""

from __future__ import annotations

__all__ = [
    "AlgorithmError",
    "ArgumentError",
    "BuildError",
    "CellError",
    "ConversionError",
    "CostError",
    "DNAError",
    "DataError",
    "DependencyError",
    "DescriptionError",
    "DivergenceError",
    "EncodeError",
    "FeedbackError",
    "HyperValueError",
    "KerasGloveError",
    "NotRegisteredError",
    "NotShareableError",
    "OpenValueError",
    "OutOfDomainError",
    "PathError",
    "PolicyError",
    "RecordError",
    "RegistrationError",
    "RewardError",
    "SearchError",
    "SerializationError",
    "SpaceError",
    "StopSearch",
    "StrategyError",
    "TableError",
    "TableNotFoundError",
    "TrainingError",
    "TrialPruned",
    "UnknownHashError",
]


class KerasGloveError(Exception):
    """Base class of all errors of keras_glove."""


class ArgumentError(KerasGloveError, TypeError):
    """Arguments do not fit the signature of a symbolic class or function."""


class OpenValueError(KerasGloveError, TypeError):
    """A place that needs a concrete value holds an open one (a hyper-value)."""


class BuildError(KerasGloveError, TypeError):
    """A program cannot be turned into the object it describes."""


class DescriptionError(KerasGloveError, TypeError):
    """A live object has no description from which a fresh one can be made."""


class PathError(KerasGloveError, KeyError):
    """A path does not exist in a program."""

    def __str__(self) -> str:  # KeyError would show the message quoted.
        return str(self.args[0]) if self.args else ""


class SerializationError(KerasGloveError, ValueError):
    """A value cannot be written to, or read from, its JSON form."""


class NotRegisteredError(SerializationError, LookupError):
    """A name or a callable is not registered, so it is neither saved nor built."""


class RegistrationError(KerasGloveError, ValueError):
    """A name is already taken by another class or function."""


class HyperValueError(KerasGloveError, ValueError):
    """A hyper-value is defined with impossible candidates, bounds or counts."""


class SpaceError(KerasGloveError, ValueError):
    """A program cannot be used as the search space that was asked for."""


class DNAError(KerasGloveError, ValueError):
    """A DNA does not answer the decision points of a search space."""


class EncodeError(KerasGloveError, ValueError):
    """A concrete program is not a member of a search space."""


class RewardError(KerasGloveError, ValueError):
    """A reward is missing, not a number, or not finite."""


class FeedbackError(KerasGloveError, RuntimeError):
    """A sample loop was used out of order: no feedback, or two."""


class SearchError(KerasGloveError, RuntimeError):
    """A search cannot go on, or cannot begin."""


class NotShareableError(KerasGloveError, ValueError):
    """Weights cannot be shared over the candidates of a hyper-value."""


class AlgorithmError(KerasGloveError, ValueError):
    """An algorithm is made with impossible settings, or used out of order."""


class PolicyError(KerasGloveError, ValueError):
    """A policy, its settings or its state do not fit the search."""


class DependencyError(KerasGloveError, ImportError):
    """A package is needed for what was asked, and not installed."""


class StopSearch(KerasGloveError):
    """An algorithm has nothing left to propose: the search ends, nothing went wrong."""


class TrialPruned(KerasGloveError):
    """Raised inside an objective to end an unpromising trial early."""


class StrategyError(KerasGloveError, ValueError):
    """A distribution strategy cannot be had here: unknown, or without the devices it needs."""


class CostError(KerasGloveError, ValueError):
    """The cost of a model cannot be counted: unknown shapes, or a layer without a rule."""


class TrainingError(KerasGloveError, ValueError):
    """A child cannot be trained, or its training not judged, as was asked."""


class DivergenceError(KerasGloveError, ArithmeticError):
    """A loss, or the value that judges a training, became NaN or infinite."""


class CellError(KerasGloveError, ValueError):
    """An adjacency matrix and operations do not describe a cell."""


class OutOfDomainError(KerasGloveError, ValueError):
    """A tabular benchmark was asked for what is not in its domain: a cell, or a budget."""


class UnknownHashError(OutOfDomainError, KeyError):
    """A tabular benchmark has no cell of this hash."""

    def __str__(self) -> str:  # KeyError would show the message quoted.
        return str(self.args[0]) if self.args else ""


class RecordError(KerasGloveError, ValueError):
    """A file of records is damaged, incomplete, or of another format."""


class TableError(KerasGloveError, OSError):
    """The file that a table is kept in cannot be read or written."""


class TableNotFoundError(TableError, FileNotFoundError):
    """The file that a table is kept in, or made of, is not there."""


class ConversionError(KerasGloveError, ValueError):
    """A model cannot be had from the classes of Keras alone."""


class DataError(KerasGloveError, ValueError):
    """A data set is not known, or cannot be had here."""
