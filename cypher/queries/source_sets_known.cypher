// name:     source_sets_known
// reads:    which of these sets of sources are in the index
UNWIND $keys AS key
MATCH (n:SourceSet {source_set: key})
RETURN n.source_set AS key
