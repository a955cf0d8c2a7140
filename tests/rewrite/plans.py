"""Random plans: any graph of the operators that means something."""

from __future__ import annotations

from hypothesis import strategies as st

from provgraph.errors import InvalidInput
from provgraph.rewrite import notation
from provgraph.rewrite.plan import Plan

COLUMNS = ("a", "b", "c")
# "Back" joins a calculation with what it was made of, as a pull does.
OFTEN = [
    "Pass", "SelectAttributes", "FilterSources", "FilterSources", "SelectSources",
    "AttributeCalculator", "AttributeCalculator", "Back", "ConcatenateAttributes", "ConcatenateAttributes",
]  # fmt: skip
# "Union" makes two parents alike first, by selecting and renaming.
ALL = [*OFTEN, "RenameAttributes", "RenameAttributes", "Union", "Union", "RelabelSources"]
METHODS = {"double": 1, "negative": 1, "add": 2, "rank": 1, "both": 2}
RELABELLINGS = ["one to one by shift", "one to one by mirror", "by shift", "one to one by ~shift"]

Attributes = dict[str, str]  # origin by name


@st.composite
def plans(draw: st.DrawFn, most: int = 9, everything: bool = False) -> Plan:
    """A plan of one or two catalogs and up to `most` further steps; every step may be used again.

    Half of them are as users make them: selections have lists, only rules make SOURCES edges. everything : also with renamed
    attributes, unions and relabelled sources, the latter never refused.
    """
    edges = draw(st.booleans())
    text = ""
    for external in ("A", "B")[: draw(st.integers(1, 2))]:
        text += f"{external} = External({', '.join(f'{c}{external.lower()}' for c in COLUMNS)})\n"
    for number in range(draw(st.integers(1, most))):
        known = notation.parse(text)
        name = f"S{number}"
        more = draw(steps(name, known, edges, ALL if everything else OFTEN))
        try:
            if clashes(notation.parse(text + more)):
                raise InvalidInput("two unions")
        except InvalidInput:  # two attributes of one name, for example
            more = f"{name} = Pass({draw(st.sampled_from(list(known.steps)))})\n"
        text += more
    known = notation.parse(text)
    end = draw(st.sampled_from(list(known.steps)[-3:]))
    if draw(st.booleans()):
        names = known[end].names
        kept = draw(st.permutations(names))[: draw(st.integers(0, len(names)))]
        text += f"E = SelectAttributes({', '.join((end, *kept))})\n"
        end = "E"
    plan = notation.parse(text)
    return Plan(end, plan.steps).only_needed()


def clashes(plan: Plan) -> bool:
    """Whether two unions of other sources give attributes of one origin, which the notation does not tell apart."""
    found: dict[str, tuple[object, ...]] = {}
    for step in plan:
        if step.operator == "ConcatenateSources":
            parents = [plan[p] for p in step.parents]
            for name, origin in zip(step.names, step.origins, strict=True):
                places = [dict(zip(p.names, p.origins, strict=True))[name] for p in parents]
                if len(set(places)) > 1 and found.setdefault(origin, sets := tuple(p.atoms for p in parents)) != sets:
                    return True
    return False


@st.composite
def steps(draw: st.DrawFn, name: str, known: Plan, edges: bool, often: list[str]) -> str:
    """The lines of one more step, `name`; later steps are taken more often."""
    ids = list(known.steps)
    parent = draw(st.sampled_from(ids[-4:] + ids))
    has = known[parent].names
    operator = draw(st.sampled_from(often))
    if operator == "SelectAttributes":
        kept = draw(st.permutations(has))[: draw(st.integers(0, len(has)))]
        return f"{name} = SelectAttributes({', '.join((parent, *kept))})\n"
    if operator == "FilterSources" and has:
        attribute = draw(st.sampled_from(has))
        relation = draw(st.sampled_from(["<", ">", ">="]))
        return f"{name} = FilterSources({parent}, {attribute} {relation} {draw(st.sampled_from([0.2, 0.5, 0.8]))})\n"
    if operator == "SelectSources":
        chosen = draw(st.lists(st.sampled_from(ids), max_size=2 if edges else 0, unique=True))
        more = [*chosen, *(["list few"] if not chosen or draw(st.booleans()) else [])]
        return f"{name} = SelectSources({', '.join((parent, *more))})\n"
    if operator in ("AttributeCalculator", "Back") and has:
        method = draw(st.sampled_from(sorted(METHODS)))
        inputs = [draw(st.sampled_from(has)) for _ in range(METHODS[method])]
        outputs = ["sum", "product"] if method == "both" else ["y"]
        outputs = [f"{o}_{name}" for o in outputs]
        whole = "whole " if method == "rank" else ""
        text = f"AttributeCalculator({parent}, {whole}{method}({', '.join(inputs)}) -> {', '.join(outputs)})\n"
        if operator == "Back":
            return f"{name}_0 = {text}{name} = ConcatenateAttributes({parent}, {name}_0)\n"
        return f"{name} = {text}"
    if operator == "ConcatenateAttributes":
        parents = [parent, *(draw(st.sampled_from(ids)) for _ in range(draw(st.integers(1, 2))))]
        return f"{name} = ConcatenateAttributes({', '.join(parents)})\n"
    if operator == "RenameAttributes" and has:
        old = draw(st.permutations(has))[: draw(st.integers(1, len(has)))]
        new = draw(st.sampled_from([[*old[1:], old[0]], [f"{o}_{name}" for o in old], [f"{o[0]}x" for o in old]]))
        pairs = ", ".join(f"{o} -> {n}" for o, n in zip(old, new, strict=True))
        return f"{name} = RenameAttributes({parent}, {pairs})\n"
    if operator == "Union":
        return _union(name, known, parent, draw(st.sampled_from(ids)), draw)
    if operator == "RelabelSources":
        return f"{name} = RelabelSources({parent}, {draw(st.sampled_from(RELABELLINGS))})\n"
    return f"{name} = Pass({parent})\n"


def _union(name: str, known: Plan, one: str, other: str, draw: st.DrawFn) -> str:
    n = draw(st.integers(0, min(len(known[one].names), len(known[other].names))))
    mine = draw(st.permutations(known[one].names))[:n]
    common = set(mine) <= set(known[other].names) and draw(st.booleans())
    theirs = mine if common else draw(st.permutations(known[other].names))[:n]
    lines = [f"{name}_0 = SelectAttributes({', '.join((one, *mine))})"]
    lines += [f"{name}_1 = SelectAttributes({', '.join((other, *theirs))})"]
    last = f"{name}_1"
    if mine != theirs:
        pairs = ", ".join(f"{o} -> {n}" for o, n in zip(theirs, mine, strict=True))
        lines += [f"{name}_2 = RenameAttributes({last}, {pairs})"]
        last = f"{name}_2"
    return "\n".join([*lines, f"{name} = ConcatenateSources({name}_0, {last}, first wins)"]) + "\n"
