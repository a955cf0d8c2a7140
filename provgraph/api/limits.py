"""What one request may ask for. The rules are made once, here: rules made for each request would defeat the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
    get_named_type,
)
from graphql.validation import ASTValidationRule, ValidationContext
from strawberry.extensions import AddValidationRules, MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache

BODY_BYTES: Final = 1_000_000
QUERY_CHARACTERS: Final = 20_000  # a text of one long string is one token
DEPTH: Final = 8
ALIASES: Final = 15
TOKENS: Final = 1000
COST: Final = 5000
PAGE: Final = 100
LINEAGE_NODES: Final = 1000
LINEAGE_DEPTH: Final = 1000
SECONDS: Final = 30.0
# How long a list is thought to be that no argument bounds: the attributes or parents of a collection.
LIST: Final = 5
_UNBOUNDED_BY_COST = frozenset({"edges", "nodes"})  # `first` or `limit` of the field above has counted them


class _Size(NamedTuple):
    depth: int
    aliases: int
    cost: int


class Limits(ValidationRule):
    """Depth, aliases and cost of each operation, measured in one walk in which every fragment is walked once.

    cost : fields, times the `first` of the connection or preview they are in (`PAGE` where a variable says it), times
    `LIST` in other lists. Introspection is bounded by a rule of graphql-core and counts as flat.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.fragments = {
            d.name.value: d for d in context.document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self.sizes: dict[str, _Size] = {}

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        root = self.context.schema.get_root_type(node.operation)
        size = self.measure(node.selection_set, root, frozenset())
        for code, found, most, what in (
            ("depth_limit", size.depth, DEPTH, "levels deep"),
            ("alias_limit", size.aliases, ALIASES, "aliases"),
            ("cost_limit", size.cost, COST, "fields, lists counted in full"),
        ):
            if found > most:
                self.report_error(
                    GraphQLError(
                        f"This query asks for {found} {what}; {most} are allowed.", [node], extensions={"code": code}
                    )
                )

    def measure(self, selections: SelectionSetNode | None, parent: Any, inside: frozenset[str]) -> _Size:
        depth = aliases = cost = 0
        for node in selections.selections if selections is not None else ():
            size = _Size(0, 0, 0)
            if isinstance(node, FieldNode):
                size = self.measure_field(node, parent, inside)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self.context.schema.get_type(condition.name.value) if condition else parent
                size = self.measure(node.selection_set, inner, inside)
            elif isinstance(node, FragmentSpreadNode):
                size = self.measure_fragment(node.name.value, inside)
            depth, aliases, cost = max(depth, size.depth), aliases + size.aliases, cost + size.cost
        return _Size(depth, aliases, cost)

    def measure_field(self, node: FieldNode, parent: Any, inside: frozenset[str]) -> _Size:
        alias = 1 if node.alias is not None else 0
        if node.name.value.startswith("__"):
            return _Size(1, alias, 1)
        declared = getattr(parent, "fields", {}).get(node.name.value)
        if declared is None:  # another rule says so
            return _Size(1, alias, 1)
        inner = self.measure(node.selection_set, get_named_type(declared.type), inside)
        return _Size(1 + inner.depth, alias + inner.aliases, 1 + inner.cost * _entries(node, declared))

    def measure_fragment(self, name: str, inside: frozenset[str]) -> _Size:
        if name in inside or name not in self.fragments:  # another rule says so
            return _Size(0, 0, 0)
        if name not in self.sizes:
            fragment = self.fragments[name]
            on = self.context.schema.get_type(fragment.type_condition.name.value)
            self.sizes[name] = self.measure(fragment.selection_set, on, inside | {name})
        return self.sizes[name]


def _entries(node: FieldNode, declared: Any) -> int:
    """How many entries a field may give."""
    if "first" in declared.args:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                given = argument.value
                return min(max(int(given.value), 1), PAGE) if isinstance(given, IntValueNode) else PAGE
        default = declared.args["first"].default_value
        return default if isinstance(default, int) else PAGE
    if node.name.value in _UNBOUNDED_BY_COST:
        return 1
    kind = declared.type.of_type if isinstance(declared.type, GraphQLNonNull) else declared.type
    return LIST if isinstance(kind, GraphQLList) else 1


class OneOperation(SchemaExtension):
    """Of several operations in a document the request names one (GraphQL 6.1); Strawberry would take the first."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)] if document else []
        if len(operations) > 1 and not context._provided_operation_name:
            raise GraphQLError(
                f"The document has {len(operations)} operations; say which as 'operationName'.",
                operations, extensions={"code": "graphql_operation"},
            )  # fmt: skip
        yield


RULES: Final[list[type[ASTValidationRule]]] = [Limits]

# No extension here wraps fields (`resolve`): that costs more than the fields themselves.
EXTENSIONS: Final[list[Callable[[], SchemaExtension]]] = [
    lambda: AddValidationRules(RULES),
    lambda: MaxTokensLimiter(TOKENS),
    lambda: ParserCache(256),
    lambda: ValidationCache(256),
    OneOperation,
]


def clamp(value: int | None, default: int, most: int) -> int:
    """A number from outside within bounds; variables pass by the rules above."""
    return default if value is None else min(max(value, 0), most)


__all__ = ["EXTENSIONS", "RULES", "GraphQLSchema", "Limits", "OneOperation", "clamp"]
