"""What a table has of each hash, as the official library gives it, made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keras_glove.benchmarks.nasbench101.columns import METRICS, STAGES, Header
from keras_glove.benchmarks.nasbench101.lookup import Lookup

__all__ = ["ComputedStatistics", "FixedStatistics"]

_CHUNK = 4096


class _ByHash:
    """The hashes of a table in their order."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def __len__(self) -> int:
        return len(self._lookup)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            yield from self._lookup.hashes(slice(start, stop)).tolist()


class FixedStatistics(_ByHash, Mapping[str, dict[str, Any]]):
    """For each hash its cell and parameters."""

    def __getitem__(self, module_hash: str) -> dict[str, Any]:
        row = self._lookup.row_of_hash(module_hash)
        matrix, operations = self._lookup.stored(row)
        return {
            "module_adjacency": matrix,
            "module_operations": operations,
            "trainable_parameters": self._lookup.parameters(row),
        }


class ComputedStatistics(_ByHash, Mapping[str, dict[int, list[dict[str, float]]]]):
    """For each hash and budget what came of each training."""

    def __init__(self, lookup: Lookup, header: Header) -> None:
        super().__init__(lookup)
        self._header = header

    def __getitem__(self, module_hash: str) -> dict[int, list[dict[str, float]]]:
        row = self._lookup.row_of_hash(module_hash)
        epochs, repeats = self._header.epochs, self._header.num_repeats
        first = row * len(epochs) * repeats
        return {
            budget: [self._training(first + e * repeats + r) for r in range(repeats)]
            for e, budget in enumerate(epochs)
        }

    def _training(self, place: int) -> dict[str, float]:
        return {
            f"{stage}_{name}": column[place]
            for stage, columns in zip(STAGES, self._lookup.stages, strict=True)
            for name, column in zip(METRICS, columns, strict=True)
        }
