"""Is a series flat?"""
import itertools
import statistics


def slope(points):
    """Of [(x, y)]: the median of the slopes between all pairs (Theil-Sen), which a few odd samples do not move."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2) if b[0] != a[0]]
    return statistics.median(slopes) if slopes else 0.0


def settled(points, share=0.25):
    """Without the warm-up: caches, the allocator's arenas, the history and the ring of past calls fill first."""
    return points[min(int(len(points) * share), max(len(points) - 2, 0)):]
