"""Labels that tell namesakes apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def told_apart(named: Sequence[tuple[str, str, str]]) -> list[str]:
    """A label for each (name, id, pipeline); names that repeat all carry what tells them apart.

    Namesakes of several pipelines carry the pipeline's id, others their own, and both where one does not do.

    >>> told_apart([("Иван", "m1", ""), ("Вера", "m2", ""), ("Иван", "m7", "")])
    ['Иван (m1)', 'Вера', 'Иван (m7)']
    >>> told_apart([("New", "1", "p1"), ("New", "1", "p2")])
    ['New (p1)', 'New (p2)']
    """
    times = Counter(name for name, _, _ in named)
    by_pipeline = Counter((name, pipeline) for name, _, pipeline in named)
    by_id = Counter((name, own) for name, own, _ in named)
    labels = []
    for name, own, pipeline in named:
        peers = [other for other in named if other[0] == name] if times[name] > 1 else []
        if not peers:
            labels.append(name)
        elif pipeline and all(by_pipeline[name, p] == 1 for _, _, p in peers):
            labels.append(f"{name} ({pipeline})")
        elif all(by_id[name, o] == 1 for _, o, _ in peers):
            labels.append(f"{name} ({own})")
        else:
            labels.append(f"{name} ({pipeline}, {own})")
    return labels
