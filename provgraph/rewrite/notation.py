"""A plan as text, one step a line: how traces print it, and how the cases of the rules are written.

    A = External(id, ra, dec, mag_u, redshift)
    B = FilterSources(A, redshift < 0.1)
    C = AttributeCalculator(A, absmag(mag_u, redshift) -> absmag_u)
    D = ConcatenateAttributes(B, C)
    E = SelectAttributes(D, mag_u, absmag_u)
    F = SelectSources(E, B, except G, list sha256:00)
    G = RenameAttributes(F, mag_u -> u)
    H = ConcatenateSources(G, K, first wins)
    I = RelabelSources(H, by shift)
    J = Stored(B, ra)
    K = Empty(B)

A calculator that looks at all sources at once is `whole rank(mag_u) -> position`; process parameters follow the inputs
after a semicolon. A user's list that has to be there as a whole is `strictly list …`. `by shift` names a relabelling that may
make one source of two, `one to one by shift` one that never does; `~shift` is the way back. Stored is an External
that reads what is stored of the sources of a step, which need not be in the plan any more; Empty is one without sources, instead
of a step. The last line is the end of the plan.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from provgraph.errors import InvalidInput
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CATALOGS,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    EMPTY,
    EXTERNAL,
    FILTER_SOURCES,
    FIRST,
    INVERSE,
    PASS,
    RELABEL_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    STORED,
    Plan,
    Step,
)
from provgraph.rewrite.relations import atoms_of

_LINE = re.compile(r"\s*([^\s=]+)\s*=\s*([A-Za-z]+)\((.*)\)\s*", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_CALCULATION = re.compile(r"(whole\s+)?([^\s(]+)\((.*)\)\s*->\s*(.*)", re.DOTALL)


def render(plan: Plan, labels: Mapping[str, str] | None = None) -> str:
    """All lines of a plan, dependencies first."""
    return "\n".join(lines(plan, (s.id for s in plan.ordered()), labels))


def lines(plan: Plan, steps: Iterable[str], labels: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The lines of some steps; `labels` are other words for ids and for keys of calculator definitions."""
    return tuple(_line(plan, plan[name], labels or {}) for name in steps)


def parse(text: str) -> Plan:
    """The plan that the lines write; all columns of an External are float64 and stored, `id` is int64.

    Raises
    ------
    InvalidInput : ``plan_syntax``.
    """
    steps: dict[str, Step] = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            step = _parse_line(line, steps)
            steps.pop(step.id, None)  # a name may be given again
            steps[step.id] = replace(step, atoms=atoms_of(step, steps))
    if not steps:
        raise InvalidInput("A plan has at least one line like 'A = External(id, ra)'.", code="plan_syntax")
    return Plan(next(reversed(steps)), steps)


def _line(plan: Plan, step: Step, labels: Mapping[str, str]) -> str:
    def label(name: str) -> str:
        return labels.get(name, name)

    for prefix, word in ((STORED, "Stored"), (EMPTY, "Empty")):
        if step.operator == EXTERNAL and step.lineage_key.startswith(prefix):
            read = map(_quoted, step.names) if prefix == STORED else ()
            return f"{label(step.id)} = {word}({', '.join((label(step.lineage_key.removeprefix(prefix)), *read))})"
    arguments = [label(p) for p in step.parents]
    if step.operator in CATALOGS or step.operator == SELECT_ATTRIBUTES:
        arguments += map(_quoted, step.names)
    elif step.operator == FILTER_SOURCES:
        arguments.append(_described(step.criterion, _names(plan, step)))
    elif step.operator == SELECT_SOURCES:
        arguments += map(label, step.sources)
        arguments += [f"except {label(s)}" for s in step.without]
        strictly = "strictly " if step.strict else ""
        arguments += [f"{strictly}list {step.source_list}"] if step.source_list else []
    elif step.operator == RENAME_ATTRIBUTES:
        arguments += [f"{_quoted(old)} -> {_quoted(new)}" for old, new in zip(step.old, step.new, strict=True)]
    elif step.operator == CONCATENATE_SOURCES:
        arguments += ["first wins"] if step.policy == FIRST else []
    elif step.operator == RELABEL_SOURCES:
        back = INVERSE if step.relabelling.startswith(INVERSE) else ""
        said = back + label(step.relabelling.removeprefix(INVERSE))
        arguments.append(f"one to one by {said}" if step.injective else f"by {said}")
    elif step.operator == ATTRIBUTE_CALCULATOR:
        known = _names(plan, step)
        inputs = ", ".join(_quoted(known.get(o, o)) for o in step.inputs)
        parameters = f"; {step.parameters}" if step.parameters not in ("", "{}") else ""
        whole = "whole " if step.whole_catalog else ""
        outputs = ", ".join(map(_quoted, step.names))
        arguments.append(f"{whole}{label(step.definition)}({inputs}{parameters}) -> {outputs}")
    return f"{label(step.id)} = {step.operator}({', '.join(arguments)})"


def _names(plan: Plan, step: Step) -> dict[str, str]:
    """Name by origin, as the parents have them."""
    found: dict[str, str] = {}
    for parent in step.parents:
        for name, origin in zip(plan[parent].names, plan[parent].origins, strict=True):
            found.setdefault(origin, name)
    return found


def _described(canonical: str, names: Mapping[str, str]) -> str:
    from provgraph.language.criterion import BoundCriterion

    return BoundCriterion.from_canonical(canonical).describe(names)


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f"`{name}`"


def _parse_line(line: str, steps: Mapping[str, Step]) -> Step:
    match = _LINE.fullmatch(line)
    if match is None:
        raise InvalidInput(f"A step is written 'B = Operator(A, …)', not {line.strip()!r}.", code="plan_syntax")
    name, operator, inside = match.groups()
    arguments = _split(inside)
    if operator in CATALOGS:
        names = tuple(arguments)
        origins = tuple(_origin(name, n) for n in names)
        return Step(name, operator, (), names, origins, atoms=(f"s:{name}",), lineage_key=name, stored=origins)
    if operator == CONCATENATE_ATTRIBUTES:
        parents = [_known(a, steps, line) for a in arguments]
        found: dict[str, str] = {}
        for parent in parents:
            for n, o in zip(parent.names, parent.origins, strict=True):
                if found.setdefault(n, o) != o:
                    raise InvalidInput(f"Two different attributes are called {n!r} in {line!r}.", code="plan_syntax")
        return Step(name, operator, tuple(p.id for p in parents), tuple(found), tuple(found.values()))
    if operator == CONCATENATE_SOURCES:
        return _concatenate_sources(name, arguments, steps, line)
    parent = _known(arguments[0] if arguments else "", steps, line)
    same = Step(name, operator, (parent.id,), parent.names, parent.origins)
    if operator in ("Stored", "Empty"):
        names = tuple(arguments[1:]) if operator == "Stored" else parent.names
        origins = _origins(names, parent, line)
        key = f"{STORED if operator == 'Stored' else EMPTY}{parent.id}"
        return Step(name, EXTERNAL, (), names, origins, atoms=parent.atoms, lineage_key=key, stored=origins)
    if operator == PASS:
        return same
    if operator == SELECT_ATTRIBUTES:
        return Step(name, operator, (parent.id,), tuple(arguments[1:]), _origins(arguments[1:], parent, line))
    if operator == FILTER_SOURCES:
        return replace(same, criterion=_canonical(inside.partition(",")[2].strip(), parent))
    if operator == SELECT_SOURCES:
        return _select_sources(same, arguments[1:], steps, line)
    if operator == RENAME_ATTRIBUTES:
        return _rename_attributes(same, parent, inside.partition(",")[2], line)
    if operator == RELABEL_SOURCES:
        return _relabel_sources(same, arguments[1:], line)
    if operator == ATTRIBUTE_CALCULATOR:
        return _attribute_calculator(same, parent, inside.partition(",")[2].strip(), line)
    raise InvalidInput(f"There is no operator {operator!r} in plans.", code="plan_syntax")


def _select_sources(step: Step, arguments: list[str], steps: Mapping[str, Step], line: str) -> Step:
    sources, without, source_list, strict = [], [], "", False
    for argument in arguments:
        word, _, rest = argument.partition(" ")
        if rest and word == "strictly":
            strict = True
            word, _, rest = rest.partition(" ")
        if rest and word == "except":
            without.append(_known(rest, steps, line).id)
        elif rest and word == "list":
            source_list = rest
        else:
            sources.append(_known(argument, steps, line).id)
    return replace(step, sources=tuple(sources), without=tuple(without), source_list=source_list, strict=strict)


def _rename_attributes(step: Step, parent: Step, text: str, line: str) -> Step:
    pairs = [tuple(_plain(side) for side in pair.split("->")) for pair in _split(text, keep_quotes=True)]
    if any(len(pair) != 2 for pair in pairs):
        raise InvalidInput(f"A new name is written 'old -> new', not {line.strip()!r}.", code="plan_syntax")
    _origins((pair[0] for pair in pairs), parent, line)
    renamed = {pair[0]: pair[1] for pair in pairs}
    names = tuple(renamed.get(n, n) for n in parent.names)
    if len(set(names)) != len(names):
        raise InvalidInput(f"Two attributes would have one name in {line!r}.", code="plan_syntax")
    return replace(step, names=names, old=tuple(renamed), new=tuple(renamed.values()))


def _concatenate_sources(name: str, arguments: list[str], steps: Mapping[str, Step], line: str) -> Step:
    """What comes from different places is told apart by these places only: in one plan, say no two different unions of them."""
    policy = FIRST if "first wins" in arguments else ""
    parents = [_known(a, steps, line) for a in arguments if a != "first wins"]
    origins: list[str] = []
    for attribute in parents[0].names if parents else ():
        places = [_origins([attribute], p, line)[0] for p in parents]
        origins.append(places[0] if len(set(places)) == 1 else _origin(CONCATENATE_SOURCES, *places, attribute))
    if not parents or any(set(p.names) != set(parents[0].names) for p in parents):
        raise InvalidInput(f"All parents must have the same attributes in {line!r}.", code="plan_syntax")
    ids = tuple(p.id for p in parents)
    return Step(name, CONCATENATE_SOURCES, ids, parents[0].names, tuple(origins), policy=policy)


def _relabel_sources(step: Step, arguments: list[str], line: str) -> Step:
    said = arguments[0] if len(arguments) == 1 else ""
    injective = said.startswith("one to one ")
    word, _, relabelling = said.removeprefix("one to one ").partition(" ")
    if word != "by" or not relabelling.strip():
        raise InvalidInput(f"A relabelling is written 'by name', not {line.strip()!r}.", code="plan_syntax")
    relabelling = relabelling.strip()
    origins = tuple(_origin(RELABEL_SOURCES, relabelling, o) for o in step.origins)
    return replace(step, origins=origins, relabelling=relabelling, injective=injective)


def _attribute_calculator(step: Step, parent: Step, text: str, line: str) -> Step:
    match = _CALCULATION.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f"A calculator is written 'C = AttributeCalculator(A, method(x, y) -> z)', not {line.strip()!r}.",
            code="plan_syntax",
        )
    whole, definition, inside, outputs = match.groups()
    wanted, _, parameters = inside.partition(";")
    inputs = _origins(_split(wanted), parent, line)
    parameters = parameters.strip()
    names = tuple(_split(outputs))
    return Step(
        step.id, ATTRIBUTE_CALCULATOR, step.parents, names,
        tuple(_origin(definition, parameters, *inputs, n) for n in names),
        definition=definition, inputs=inputs, parameters=parameters, whole_catalog=bool(whole),
    )  # fmt: skip


def _canonical(text: str, parent: Step) -> str:
    from provgraph.language.criterion import Criterion
    from provgraph.schema.attribute import Attribute

    attributes = {
        n: Attribute(n, "i8" if n == "id" else "f8", "", origin=o)
        for n, o in zip(parent.names, parent.origins, strict=True)
    }
    return Criterion.parse(text).bind(attributes).canonical


def _known(name: str, steps: Mapping[str, Step], line: str) -> Step:
    if name not in steps:
        raise InvalidInput(f"The step {name!r} is not defined before {line.strip()!r}.", code="plan_syntax")
    return steps[name]


def _origins(names: Iterable[str], parent: Step, line: str) -> tuple[str, ...]:
    known = dict(zip(parent.names, parent.origins, strict=True))
    missing = [n for n in names if n not in known]
    if missing:
        raise InvalidInput(
            f"The step {parent.id} has no attribute {missing[0]!r}: {line.strip()!r}.", code="plan_syntax"
        )
    return tuple(known[n] for n in names)


def _origin(*parts: str) -> str:
    return "o:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _split(text: str, *, keep_quotes: bool = False) -> list[str]:
    """Arguments between commas that stand in no bracket and no backquotes."""
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == "`"
        depth += 0 if quoted else (character in "([{") - (character in ")]}")
        if character == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    stripped = (p.strip() for p in parts)
    return [p if keep_quotes else _plain(p) for p in stripped if p]


def _plain(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text.startswith("`") and text.endswith("`") else text
