"""The operators: one elementary operation a file (Source Collections paper, Section 3.1)."""

from provgraph.schema.operators.attribute_calculator import AttributeCalculator
from provgraph.schema.operators.concatenate_attributes import ConcatenateAttributes
from provgraph.schema.operators.concatenate_sources import ConcatenateSources
from provgraph.schema.operators.external import External
from provgraph.schema.operators.filter_sources import FilterSources
from provgraph.schema.operators.pass_ import Pass
from provgraph.schema.operators.relabel_sources import RelabelSources
from provgraph.schema.operators.rename_attributes import RenameAttributes
from provgraph.schema.operators.select_attributes import SelectAttributes
from provgraph.schema.operators.select_sources import SelectSources
from provgraph.schema.operators.source_list_wrapper import SourceListWrapper

OPERATORS = {
    operator.__name__: operator
    for operator in (
        External, SourceListWrapper, Pass, SelectAttributes, RenameAttributes, ConcatenateAttributes, FilterSources,
        SelectSources, ConcatenateSources, RelabelSources, AttributeCalculator,
    )
}  # fmt: skip

__all__ = [
    "OPERATORS",
    "AttributeCalculator",
    "ConcatenateAttributes",
    "ConcatenateSources",
    "External",
    "FilterSources",
    "Pass",
    "RelabelSources",
    "RenameAttributes",
    "SelectAttributes",
    "SelectSources",
    "SourceListWrapper",
]
