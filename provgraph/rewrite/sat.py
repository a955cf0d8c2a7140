"""Whether clauses can all be true: python-sat where it is installed (extra ``provgraph[solver]``), else a small solver of ours.

A literal is an int, negative for "not"; variables count from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol


class Sat(Protocol):
    """Clauses, added as they come; questions in between."""

    def add(self, clauses: Iterable[Sequence[int]]) -> None: ...

    def solve(self, assumptions: Sequence[int]) -> bool | None:
        """Whether all clauses and assumptions can be true; None when that costs too much."""
        ...

    def core(self) -> list[int]:
        """Assumptions that cannot all be true, after `solve` said False."""
        ...

    def close(self) -> None: ...


def new() -> Sat:
    return Fast() if installed() else Small()


@cache
def installed() -> bool:
    try:
        import pysat.solvers  # noqa: F401
    except ImportError:
        return False
    return True


class Fast:
    """MiniSat by python-sat."""

    def __init__(self) -> None:
        from pysat.solvers import Minisat22

        self._solver: Any = Minisat22()

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        self._solver.append_formula(clauses, no_return=True)

    def solve(self, assumptions: Sequence[int]) -> bool | None:
        return bool(self._solver.solve(assumptions=assumptions))

    def core(self) -> list[int]:
        return list(self._solver.get_core() or [])

    def close(self) -> None:
        self._solver.delete()


class Small:
    """Clause learning with watched literals, in Python: for cones of some hundred clauses.

    budget : conflicts after which a question is given up.
    """

    def __init__(self, budget: int = 2000) -> None:
        self._budget = budget
        self._clauses: list[list[int]] = []
        self._watching: dict[int, list[list[int]]] = {}
        self._units: list[int] = []
        self._contradiction = False
        self._value: dict[int, bool] = {}
        self._level: dict[int, int] = {}
        self._cause: dict[int, list[int] | None] = {}
        self._trail: list[int] = []
        self._limits: list[int] = []  # length of the trail at which each level begins
        self._checked = 0
        self._activity: dict[int, float] = {}
        self._step = 1.0
        self._core: list[int] = []

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        self._back(0)
        for clause in clauses:
            literals = list(dict.fromkeys(clause))
            for literal in literals:
                self._activity.setdefault(abs(literal), 0.0)
            if not literals:
                self._contradiction = True
            elif len(literals) == 1:
                self._units.append(literals[0])
            elif not any(-literal in literals for literal in literals):
                self._attach(literals)

    def _attach(self, clause: list[int]) -> None:
        """Watch the first two literals. What is assigned at level 0 stays, so unassigned ones come first."""
        clause.sort(key=lambda literal: self._is(literal) is False)
        self._clauses.append(clause)
        for literal in clause[:2]:
            self._watching.setdefault(literal, []).append(clause)
        if self._is(clause[0]) is False:
            self._contradiction = True
        elif self._is(clause[1]) is False and self._is(clause[0]) is None:
            self._units.append(clause[0])

    def solve(self, assumptions: Sequence[int]) -> bool | None:
        self._back(0)
        self._core = []
        for unit in self._units:
            if self._is(unit) is False:
                self._contradiction = True
            elif self._is(unit) is None:
                self._assign(unit, None)
        self._units = []
        if self._contradiction or self._propagate() is not None:
            self._contradiction = True
            return False
        for _ in range(self._budget):
            conflict = self._decide(assumptions)
            if conflict is None:
                return not self._core
            if not self._limits:
                self._contradiction = True
                return False
            self._learn(conflict)
        return None

    def core(self) -> list[int]:
        return [] if self._contradiction else list(self._core)

    def close(self) -> None:
        self._clauses.clear()

    def _is(self, literal: int) -> bool | None:
        value = self._value.get(abs(literal))
        return None if value is None else value == (literal > 0)

    def _assign(self, literal: int, cause: list[int] | None) -> None:
        self._value[abs(literal)] = literal > 0
        self._level[abs(literal)] = len(self._limits)
        self._cause[abs(literal)] = cause
        self._trail.append(literal)

    def _back(self, level: int) -> None:
        if len(self._limits) > level:
            length = self._limits[level]
            for literal in self._trail[length:]:
                del self._value[abs(literal)]
            del self._trail[length:], self._limits[level:]
        self._checked = min(self._checked, len(self._trail))

    def _propagate(self) -> list[int] | None:
        """Follow what is forced; the clause that became false, if one did."""
        while self._checked < len(self._trail):
            false = -self._trail[self._checked]
            self._checked += 1
            watching = self._watching.get(false, [])
            kept: list[list[int]] = []
            for i, clause in enumerate(watching):
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], false
                if self._is(clause[0]) is True:
                    kept.append(clause)
                    continue
                for j in range(2, len(clause)):
                    if self._is(clause[j]) is not False:
                        clause[1], clause[j] = clause[j], false
                        self._watching.setdefault(clause[1], []).append(clause)
                        break
                else:
                    kept.append(clause)
                    if self._is(clause[0]) is False:
                        self._watching[false] = kept + watching[i + 1 :]
                        return clause
                    self._assign(clause[0], clause)
            self._watching[false] = kept
        return None

    def _decide(self, assumptions: Sequence[int]) -> list[int] | None:
        """Assume and guess until all is assigned (None), an assumption fails (None, with a core), or a clause does."""
        while True:
            conflict = self._propagate()
            if conflict is not None:
                return conflict
            literal = 0
            for assumed in assumptions:
                value = self._is(assumed)
                if value is False:
                    self._core = self._reasons(assumed, set(assumptions))
                    return None
                if value is None:
                    literal = assumed
                    break
            if not literal:
                free = [v for v in self._activity if v not in self._value]
                if not free:
                    return None
                literal = -max(free, key=self._activity.__getitem__)
            self._limits.append(len(self._trail))
            self._assign(literal, None)

    def _reasons(self, failed: int, assumptions: set[int]) -> list[int]:
        found, seen, todo = {failed}, set[int](), [abs(failed)]
        while todo:
            variable = todo.pop()
            if variable in seen or not self._level[variable]:
                continue
            seen.add(variable)
            cause = self._cause[variable]
            if cause is None:
                literal = variable if self._value[variable] else -variable
                found |= {literal} & assumptions
            else:
                todo += [abs(other) for other in cause if abs(other) != variable]
        return sorted(found, key=abs)

    def _learn(self, conflict: list[int]) -> None:
        """The first unique implication point; go back to where it forces something."""
        level = len(self._limits)
        seen: set[int] = set()
        learned: list[int] = []
        open_, at, clause, forced = 0, len(self._trail), conflict, 0
        while True:
            for literal in clause:
                variable = abs(literal)
                if literal == forced or variable in seen or not self._level[variable]:
                    continue
                seen.add(variable)
                self._activity[variable] += self._step
                if self._level[variable] == level:
                    open_ += 1
                else:
                    learned.append(literal)
            while True:
                at -= 1
                forced = self._trail[at]
                if abs(forced) in seen:
                    break
            open_ -= 1
            if not open_:
                break
            clause = self._cause[abs(forced)] or []
        self._step *= 1.05
        if self._step > 1e100:
            self._activity = {v: a / self._step for v, a in self._activity.items()}
            self._step = 1.0
        learned.sort(key=lambda literal: -self._level[abs(literal)])
        self._back(self._level[abs(learned[0])] if learned else 0)
        clause = [-forced, *learned]
        if learned:
            self._clauses.append(clause)
            for literal in clause[:2]:
                self._watching.setdefault(literal, []).append(clause)
        self._assign(-forced, clause if learned else None)
