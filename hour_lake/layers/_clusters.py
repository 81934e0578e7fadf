"""Putting vectors into groups of near ones, quick enough for a whole corpus and the same on every run."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]


def clusters(vectors: Vectors, *, within: float) -> NDArray[np.intp]:
    """`(n,)` group of each of `(n, d)` vectors, numbered by first appearance; Euclidean distances.

    Each vector joins the group whose mean is nearest, if it is nearer than `within`, or begins one. Groups whose means
    are nearer than `within` become one, the nearest first. Then each goes to the nearest mean, so that the order in
    which they came matters little. The cost is that of n x groups distances.
    """
    means = _merged(*_led(vectors, within), within)
    nearest = np.array([np.argmin(_distances(means, vector)) for vector in vectors], np.intp)
    _, first, inverse = np.unique(nearest, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _led(vectors: Vectors, within: float) -> tuple[list[Vectors], list[int]]:
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
    return list(means[: len(sizes)]), sizes


def _merged(means: list[Vectors], sizes: list[int], within: float) -> Vectors:
    while len(means) > 1:
        together = np.array(means)
        distances = np.stack([_distances(together, mean) for mean in means])
        np.fill_diagonal(distances, np.inf)
        one, other = np.unravel_index(int(np.argmin(distances)), distances.shape)
        if distances[one, other] >= within:
            break
        low, high = sorted((int(one), int(other)))
        means[low] = (means[low] * sizes[low] + means[high] * sizes[high]) / (sizes[low] + sizes[high])
        sizes[low] += sizes.pop(high)
        means.pop(high)
    return np.array(means)


def _distances(means: Vectors, vector: Vectors) -> NDArray[np.float64]:
    return np.sqrt(((means - vector) ** 2).sum(axis=1))
