from __future__ import annotations

import random

import pytest

from provgraph.rewrite import sat


@pytest.mark.parametrize("kind", ["Fast", "Small"])
def test_core(kind: str) -> None:
    if kind == "Fast" and not sat.installed():
        pytest.skip("python-sat is not installed")
    solver = getattr(sat, kind)()
    solver.add([[-1, 2], [-2, 3]])
    assert solver.solve([1]) is True
    assert solver.solve([4, 1, -3]) is False
    assert set(solver.core()) == {1, -3}
    solver.add([[1]])
    assert solver.solve([-3]) is False
    assert solver.core() == [-3]
    solver.add([[-3]])
    assert solver.solve([]) is False
    solver.close()


def test_the_small_one_gives_up() -> None:
    """Pigeons in holes, one hole too few, take more conflicts than are allowed."""
    solver = sat.Small(budget=20)
    pigeons, holes = range(7), range(6)
    number = {(p, h): p * 6 + h + 1 for p in pigeons for h in holes}
    solver.add([number[p, h] for h in holes] for p in pigeons)
    solver.add([-number[p, h], -number[q, h]] for h in holes for p in pigeons for q in pigeons if p < q)
    assert solver.solve([]) is None


@pytest.mark.parametrize("seed", range(40))
def test_small_and_fast_agree(seed: int) -> None:
    if not sat.installed():
        pytest.skip("python-sat is not installed")
    rng = random.Random(seed)
    n = rng.randint(3, 25)
    fast, small = sat.Fast(), sat.Small()
    for _ in range(3):
        clauses = [
            [rng.choice((-1, 1)) * rng.randint(1, n) for _ in range(rng.choice((1, 2, 3, 3, 3, 3)))]
            for _ in range(int(n * rng.uniform(0.3, 1.4)))
        ]
        fast.add(clauses)
        small.add(clauses)
        for _ in range(8):
            assumptions = [rng.choice((-1, 1)) * v for v in rng.sample(range(1, n + 1), rng.randint(0, 3))]
            answer = small.solve(assumptions)
            assert answer is fast.solve(assumptions)
            if answer is False:
                core = small.core()
                assert set(core) <= set(assumptions)
                assert fast.solve(core) is False
