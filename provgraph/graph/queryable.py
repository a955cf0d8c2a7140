"""What a criterion can ask of the objects of a class: the properties of the class in place of the attributes of a catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from provgraph.errors import InvalidInput, NotFound, nearest
from provgraph.language import nodes
from provgraph.language.criterion import Criterion
from provgraph.language.nodes import (
    All,
    Call,
    Compare,
    In,
    IsNull,
    Name,
    Node,
    Not,
    Null,
    Text,
    Truth,
    children,
    print_node,
    walk,
)  # fmt: skip
from provgraph.language.normal import is_constant
from provgraph.schema.attribute import Attribute
from provgraph.schema.collection import SourceCollection
from provgraph.schema.meta import DBObjectMeta, registry
from provgraph.schema.properties import Persistent

_DTYPES: Final = {str: "U", int: "i8", float: "f8", bool: "?"}


@dataclass(frozen=True)
class Property:
    """What a criterion can ask of an object.

    dtype : numpy type of the value, of an element where `many`.
    key : the key under which its node holds it. brought : what else a query can bring in, from notes and neighbours; where both
    are there, the node's own value comes first.
    many : it is a list; ``=`` asks whether an element is that, ``!=`` whether none is.
    moment : 'utc' for our own times, 'iso' for declared ones, which are stored as they were given.
    """

    name: str
    dtype: str
    key: str = ""
    brought: str = ""
    unit: str = ""
    ucd: str = ""
    many: bool = False
    moment: str = ""
    doc: str = ""


_OF_ALL: Final = (
    Property("name", "U", brought="name", doc="the newest name given to it"),
    Property("description", "U", brought="description", doc="the newest description of it"),
    Property("tag", "U", brought="tag", many=True, doc="tags given to it"),
    Property("class", "U", "class_name", doc="External, DataFile, ..."),
    Property("version", "i8", "version", doc="among the versions of one thing"),
    Property("created", "U", "created", moment="utc", doc="when it was stored"),
    Property("creator", "U", brought="creator", doc="name of the agent in whose name it was made"),
    Property("project", "U", "project", doc="in which it was made"),
    Property("object_id", "U", "object_id", doc="of this version"),
    Property("identity", "U", "identity", doc="shared by all versions of one thing"),
    Property("lineage_key", "U", "lineage_key", doc="equal keys, same object"),
)
_OF_COLLECTIONS: Final = (
    Property("operator", "U", "operator", doc="External, FilterSources, ..."),
    Property("n_sources", "i8", brought="n_sources", doc="number of sources, where it is known without processing"),
    Property("n_attributes", "i8", brought="n_attributes", doc="number of attributes"),
    Property("attribute", "U", "attribute_names", many=True, doc="names of its attributes"),
    Property("ucd", "U", "ucds", many=True, doc="UCDs of its attributes"),
    Property("id_space", "U", "space", doc="only sources of one id space can be the same source"),
)


def class_of(cls: Any) -> DBObjectMeta:
    """A persistent class, given as such or by its name."""
    if isinstance(cls, str):
        if cls not in registry:
            raise NotFound(
                f"There is no class {cls!r}; {nearest(cls, registry, most=40)}", code="class_unknown", name=cls
            )
        return registry[cls]
    if not isinstance(cls, DBObjectMeta):
        raise InvalidInput(f"Objects are found by a persistent class, not by {cls!r}.", code="class_invalid")
    return cls


def properties_of(cls: DBObjectMeta) -> dict[str, Property]:
    """By name: what all objects have, what collections have, and what the class declares."""
    found = {p.name: p for p in _OF_ALL}
    if issubclass(cls, SourceCollection):
        found |= {p.name: p for p in _OF_COLLECTIONS}
    for name, declared in cls.persistents.items():
        if name not in found:
            found[name] = _declared(name, declared)
    for name in ("name", "description"):
        if _own(cls, name):  # a calculator is called what its definition says
            found[name] = replace(found[name], key=name)
    return found


def _declared(name: str, declared: Persistent[Any]) -> Property:
    return Property(
        name, _DTYPES[declared.kind.stored], name, unit=declared.unit, ucd=declared.ucd, many=declared.is_list,
        moment="iso" if declared.type is datetime else "", doc=declared.__doc__ or "",
    )  # fmt: skip


def _own(cls: type, name: str) -> bool:
    """Whether objects of the class, or of a subclass, declare a text of this name."""
    found = (c.persistents.get(name) for c in list(registry.values()) if cls in c.__mro__)
    return any(p is not None and p.type is str and not p.is_list for p in found)


def terms(cls: type, properties: Mapping[str, Property], where: str) -> list[Node]:
    """A criterion in the normal form of the language: its and-terms over names of properties, constants cast; [] for ''.

    Raises
    ------
    LanguageError : with `position`; a criterion that does not parse, names no property of the class (``unknown_property``), mixes
        text with numbers (``criterion_types``) or units (``unit_mismatch``), or asks what only sources are asked
        (``criterion_refused``).
    """
    if not isinstance(where, str):
        raise InvalidInput(f"A criterion is text, not {where!r}.", code="wrong_type")
    if not where.strip():
        return []
    criterion = Criterion.parse(where)
    check = _Check(cls, properties, criterion)
    check.condition(criterion.tree)
    criterion = replace(criterion, tree=nodes.replaced(criterion.tree, check.with_moments))
    tree = criterion.bind(
        {p.name: Attribute(p.name, p.dtype, p.unit, p.ucd, origin=p.name) for p in properties.values()}
    ).tree
    return list(tree.terms) if isinstance(tree, All) else [tree]


class _Check:
    """Refuses what the language can ask of sources but not of objects: what is left compares properties with constants."""

    def __init__(self, cls: type, properties: Mapping[str, Property], criterion: Criterion) -> None:
        self.cls, self.properties, self.written = cls, properties, criterion.written

    def condition(self, node: Node) -> None:
        match node:
            case All() | nodes.Any() | Not() | Call("complement"):
                for part in children(node):
                    self.condition(part)
            case Compare(operator, left, right):
                self.sides(operator, left, right)
            case In(term, _) | IsNull(term):
                self.term(term)
            case Name():
                if self.term(node):
                    self.refuse_list(node)
            case Truth() | Null():
                pass
            case _:
                self.refuse(node)

    def sides(self, operator: str, left: Node, right: Node) -> None:
        lists = [self.term(left), self.term(right)]
        if any(lists) and (operator not in ("=", "!=") or not (is_constant(left) or is_constant(right))):
            self.refuse_list(left if lists[0] else right)

    def term(self, node: Node) -> bool:
        """Whether what stands beside an operator is a list."""
        for part in walk(node):
            if isinstance(part, Name) and part.name not in self.properties:
                self.unknown(part)
        if isinstance(node, Name):
            return self.properties[node.name].many
        if not is_constant(node):
            self.refuse(node)
        return False

    def unknown(self, node: Name) -> NoReturn:
        owners = sorted(c.__name__ for c in registry.values() if self.cls in c.__mro__ and node.name in c.persistents)
        if owners:
            hint = f"{', '.join(owners[:3])} {'has' if len(owners) == 1 else 'have'} it, ask for that class"
        else:
            hint = nearest(node.name, self.properties, most=40).rstrip(".")
        raise self.written.fault(
            f"{self.cls.__name__} has no property {node.name!r}; {hint}", node.position, code="unknown_property",
            name=node.name,
        )  # fmt: skip

    def refuse(self, node: Node) -> NoReturn:
        raise self.written.fault(
            f"Objects are found by comparing properties with constants; {print_node(node)} can only be asked of sources",
            node.position, "refused",
        )  # fmt: skip

    def refuse_list(self, node: Node) -> NoReturn:
        raise self.written.fault(
            f"{print_node(node)} is a list: '=' and 'in' with constants ask what is in it, '!=' and 'not in' what is not",
            node.position, code="criterion_types",
        )  # fmt: skip

    def with_moments(self, node: Node) -> Node:
        """Texts beside a time as times are stored, so that comparing texts compares times."""
        if not isinstance(node, Compare | In):
            return node
        kind = max((self.properties[n].moment for n in nodes.names(node)), default="")
        if not kind:
            return node
        parts: Iterable[Node] = children(node)
        return nodes.with_children(node, [self.moment(p, kind) if isinstance(p, Text) else p for p in parts])

    def moment(self, node: Text, kind: str) -> Text:
        """The beginning of a year, a month, a day, ... in UTC unless it says another offset."""
        text = node.value.strip()
        try:
            found = datetime.fromisoformat(text + {4: "-01-01", 7: "-01"}.get(len(text), ""))
            utc = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        except (ValueError, OverflowError):
            raise self.written.fault(
                f"{print_node(node)} is no time; write '2026', '2026-11', '2026-11-21' or '2026-11-21T07:41:00'",
                node.position, code="criterion_types",
            ) from None  # fmt: skip
        if kind == "iso":
            return replace(node, value=(found.astimezone(UTC) if found.tzinfo else found).isoformat())
        return replace(node, value=f"{utc.isoformat(timespec='microseconds')}Z")
