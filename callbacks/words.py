"""Architectures in words, short enough for one line."""

from __future__ import annotations

from keras_glove.hyper import DNA, DecisionPoint, SearchSpace

__all__ = ["words"]


def words(space: SearchSpace, dna: DNA) -> str:
    """The active decisions of an architecture by name.

    >>> from keras_glove import layers
    >>> from keras_glove.hyper import oneof
    >>> block = oneof([layers.Dense(oneof([4, 8], name="width")), layers.Identity()], name="block")
    >>> space = SearchSpace(block)
    >>> words(space, DNA((0, 1))), words(space, DNA((1, None)))
    ('block=Dense, width=8', 'block=Identity')
    """
    return ", ".join(
        f"{point.name}={_word(point, value)}"
        for point, value in zip(space.points, dna.values, strict=True)
        if value is not None
    )


def _word(point: DecisionPoint, value: object) -> str:
    text = point.readable(value)
    if not isinstance(text, str):
        return f"{text:.4g}" if isinstance(text, float) else str(text)
    heads = [candidate.partition("(")[0] for candidate in point.candidates or ()]
    return text.partition("(")[0] if len(set(heads)) == len(heads) else text
