"""Putting vectors into groups of near ones, quick enough for a whole corpus and the same on every run."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


def clusters(vectors: Vectors, *, within: float) -> NDArray[np.intp]:
    """`(n,)` group of each of `(n, d)` vectors, numbered by first appearance; Euclidean distances.

    Each vector joins the group whose mean is nearest, if it is nearer than `within`, or begins one. Groups whose means
    are nearer than `within` become one, the nearest first. Then each goes to the nearest mean, so that the order in
    which they came matters little. The cost is that of n x groups distances, the memory that of groups x groups.
    """
    means = _merged(*_led(vectors, within), within)
    nearest = np.array([np.argmin(_distances(means, vector)) for vector in vectors], np.intp)
    _, first, inverse = np.unique(nearest, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _led(vectors: Vectors, within: float) -> tuple[Vectors, list[int]]:
    """Means and sizes of groups after one walk over the vectors."""
    means = np.empty_like(vectors)
    sizes: list[int] = []
    for vector in vectors:
        distances = _distances(means[: len(sizes)], vector)
        best = int(np.argmin(distances)) if sizes else -1
        if sizes and distances[best] < within:
            sizes[best] += 1
            means[best] += (vector - means[best]) / sizes[best]
        else:
            means[len(sizes)] = vector
            sizes.append(1)
    return means[: len(sizes)], sizes


def _merged(means: Vectors, sizes: list[int], within: float) -> Vectors:
    """The means after the merges; the distances are kept, and only those of a merged group are taken anew."""
    distances = np.stack([_distances(means, mean) for mean in means]) if len(means) else np.zeros((0, 0))
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(axis=1, initial=np.inf)
    is_left = np.ones(len(means), bool)
    while len(means) and nearest.min() < within:
        low, high = sorted((low := int(np.argmin(nearest)), int(np.argmin(distances[low]))))
        means[low] = (means[low] * sizes[low] + means[high] * sizes[high]) / (sizes[low] + sizes[high])
        sizes[low] += sizes[high]
        is_left[high] = False
        distances[low] = distances[:, low] = np.where(is_left, _distances(means, means[low]), np.inf)
        distances[low, low], distances[high], distances[:, high] = np.inf, np.inf, np.inf
        nearest = distances.min(axis=1)
    return means[is_left]


def _distances(means: Vectors, vector: Vectors) -> NDArray[np.float64]:
    return np.sqrt(((means - vector) ** 2).sum(axis=1))
