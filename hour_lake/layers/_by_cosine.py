"""Embeddings that are compared by where they point: their middle, and names for those that point the same way."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Table
from hour_lake.layers._clusters import Vectors, clusters
from hour_lake.layers._groups import named


def middle_and_spread(vectors: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The mean of `(n, numbers)` of length 1, itself of length 1, and the largest distance of one of them from it."""
    middle = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    return middle, 1 - (vectors @ middle).min()


def named_by_cosine(table: Table, *, within: float) -> tuple[Any, list[str], Vectors, NDArray[np.int64]]:
    """Of the segments that have an `embedding`: id, name of the group, distance from its mean, size of the group.

    Distance is 1 less the cosine; `within` is the threshold of `clusters`.
    """
    known = np.isfinite(table["embedding"]).all(axis=1)
    segments, vectors = table["segment_id"][known], table["embedding"][known].astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = clusters(vectors, within=float(np.sqrt(2 * within)))  # of length 1: |a - b|^2 = 2 (1 - a b)
    sums = np.array([vectors[groups == group].sum(axis=0) for group in range(groups.max(initial=-1) + 1)])
    means = sums[groups] if len(vectors) else vectors
    cosine = (vectors * means).sum(axis=1) / np.linalg.norm(means, axis=1)
    names, sizes = named(groups, segments.tolist())
    return segments, names, 1 - cosine, sizes
