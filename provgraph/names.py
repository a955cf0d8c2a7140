"""The field's words, spelled once: PROV-DM relations, labels, IVOA UCDs and the roles used on edges."""

from __future__ import annotations

from typing import Final

PROV: Final = "http://www.w3.org/ns/prov#"
NAMESPACE: Final = "https://provgraph.org/ns#"
VOPROV: Final = "http://www.ivoa.net/documents/ProvenanceDM/voprov/"

# Relation edges, from effect to cause (PROV-DM, section 5).
WAS_DERIVED_FROM: Final = "WAS_DERIVED_FROM"
WAS_GENERATED_BY: Final = "WAS_GENERATED_BY"
USED: Final = "USED"
WAS_INFORMED_BY: Final = "WAS_INFORMED_BY"
WAS_ASSOCIATED_WITH: Final = "WAS_ASSOCIATED_WITH"
WAS_ATTRIBUTED_TO: Final = "WAS_ATTRIBUTED_TO"
ACTED_ON_BEHALF_OF: Final = "ACTED_ON_BEHALF_OF"
HAD_PLAN: Final = "HAD_PLAN"
# Edges of ours: what a note is about, which columns a segment holds, and the index of attribute names.
ABOUT: Final = "ABOUT"
HOLDS: Final = "HOLDS"
INTRODUCES: Final = "INTRODUCES"
PROVIDES: Final = "PROVIDES"
# The index of sets of sources: which columns a criterion reads, and what follows from what.
READS: Final = "READS"
SUBSET_OF: Final = "SUBSET_OF"
DISJOINT_FROM: Final = "DISJOINT_FROM"
# Edges between the steps of a transient copy.
PARENT: Final = "PARENT"
SOURCES: Final = "SOURCES"
EXCEPT: Final = "EXCEPT"

RELATIONS: Final = (
    WAS_DERIVED_FROM, WAS_GENERATED_BY, USED, WAS_INFORMED_BY, WAS_ASSOCIATED_WITH,
    WAS_ATTRIBUTED_TO, ACTED_ON_BEHALF_OF, HAD_PLAN, ABOUT, HOLDS, INTRODUCES, PROVIDES,
    READS, SUBSET_OF, DISJOINT_FROM,
)  # fmt: skip

# Roles on edges.
PARENT_ROLE: Final = "parent"
FILE_ROLE: Final = "file"
REVISION_ROLE: Final = "revision"
ENVIRONMENT_ROLE: Final = "environment"

# UCD1+ words, primary word first (IVOA UCD list).
UCD_ID: Final = "meta.id;meta.main"
UCD_RA: Final = "pos.eq.ra;meta.main"
UCD_DEC: Final = "pos.eq.dec;meta.main"
UCD_REDSHIFT: Final = "src.redshift"

# A unit in the graph is text: '' says unitless, '?' says nobody declared one.
UNITLESS: Final = ""
UNIT_UNDECLARED: Final = "?"

# Status of a target (the data lineage paper, section 5.1).
UP_TO_DATE: Final = "UP_TO_DATE"
OUT_OF_DATE: Final = "OUT_OF_DATE"
NEWER_EXISTS: Final = "NEWER_EXISTS"
UNKNOWN: Final = "UNKNOWN"
