"""Criteria and expressions: one grammar, one syntax tree, bound to attributes, checked for units, kept in canonical form."""

from provgraph.language.criterion import AttributeLike, BoundCriterion, Criterion, criterion_key
from provgraph.language.expression import Expression, UnitCheck

__all__ = ["AttributeLike", "BoundCriterion", "Criterion", "Expression", "UnitCheck", "criterion_key"]
