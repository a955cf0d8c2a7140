// name:     source_sets_in_space
// reads:    the sets of sources of an id space that Source Collections represent
MATCH (n:SourceCollection)
WHERE n.space = $space
RETURN DISTINCT n.source_set AS key, n.atoms AS atoms
