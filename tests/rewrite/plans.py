"""Random plans: any graph of the operators that means something."""

from __future__ import annotations

from hypothesis import strategies as st

from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan

COLUMNS = ("a", "b", "c")
# "Back" joins a calculation with what it was made of, as a pull does.
OFTEN = [
    "Pass", "SelectAttributes", "FilterSources", "FilterSources", "SelectSources",
    "AttributeCalculator", "AttributeCalculator", "Back", "ConcatenateAttributes", "ConcatenateAttributes",
]  # fmt: skip
METHODS = {"double": 1, "negative": 1, "add": 2, "rank": 1, "both": 2}


@st.composite
def plans(draw: st.DrawFn, most: int = 9) -> Plan:
    """A plan of one or two catalogs and up to `most` further steps; every step may be used again.

    Half of them are as users make them: selections have lists, only rules make SOURCES edges.
    """
    edges = draw(st.booleans())
    lines: list[str] = []
    names: dict[str, tuple[str, ...]] = {}  # attributes of each step
    for external in ("A", "B")[: draw(st.integers(1, 2))]:
        names[external] = tuple(f"{c}{external.lower()}" for c in COLUMNS)
        lines.append(f"{external} = External({', '.join(names[external])})")
    for number in range(draw(st.integers(1, most))):
        name = f"S{number}"
        line, attributes = draw(steps(name, names, edges))
        lines.append(line)
        names[name] = attributes
    end = draw(st.sampled_from(list(names)[-3:]))
    if draw(st.booleans()):
        kept = draw(st.permutations(names[end]))[: draw(st.integers(0, len(names[end])))]
        lines.append(f"E = SelectAttributes({', '.join((end, *kept))})")
        end = "E"
    plan = notation.parse("\n".join(lines))
    return Plan(end, plan.steps).only_needed()


@st.composite
def steps(draw: st.DrawFn, name: str, known: dict[str, tuple[str, ...]], edges: bool) -> tuple[str, tuple[str, ...]]:
    """One line, and the attributes of its step; later steps are taken more often."""
    ids = list(known)
    parent = draw(st.sampled_from(ids[-4:] + ids))
    has = known[parent]
    operator = draw(st.sampled_from(OFTEN))
    if operator == "SelectAttributes":
        kept = draw(st.permutations(has))[: draw(st.integers(0, len(has)))]
        return f"{name} = SelectAttributes({', '.join((parent, *kept))})", tuple(kept)
    if operator == "FilterSources" and has:
        attribute = draw(st.sampled_from(has))
        relation = draw(st.sampled_from(["<", ">", ">="]))
        return f"{name} = FilterSources({parent}, {attribute} {relation} {draw(st.sampled_from([0.2, 0.5, 0.8]))})", has
    if operator == "SelectSources":
        chosen = draw(st.lists(st.sampled_from(ids), max_size=2 if edges else 0, unique=True))
        more = [*chosen, *(["list few"] if not chosen or draw(st.booleans()) else [])]
        return f"{name} = SelectSources({', '.join((parent, *more))})", has
    if operator in ("AttributeCalculator", "Back") and has:
        method = draw(st.sampled_from(sorted(METHODS)))
        inputs = [draw(st.sampled_from(has)) for _ in range(METHODS[method])]
        outputs = ["sum", "product"] if method == "both" else ["y"]
        outputs = [f"{o}_{name}" for o in outputs]
        whole = "whole " if method == "rank" else ""
        text = f"AttributeCalculator({parent}, {whole}{method}({', '.join(inputs)}) -> {', '.join(outputs)})"
        if operator == "Back":
            return f"{name}_0 = {text}\n{name} = ConcatenateAttributes({parent}, {name}_0)", (*has, *outputs)
        return f"{name} = {text}", tuple(outputs)
    if operator == "ConcatenateAttributes":
        parents = [parent, *(draw(st.sampled_from(ids)) for _ in range(draw(st.integers(1, 2))))]
        together = tuple(dict.fromkeys(n for p in parents for n in known[p]))
        return f"{name} = ConcatenateAttributes({', '.join(parents)})", together
    return f"{name} = Pass({parent})", has
