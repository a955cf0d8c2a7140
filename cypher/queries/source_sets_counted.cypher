// name:     source_sets_counted
// reads:    stored sets of sources of an id space with this many sources, or none
MATCH (n:Segment)
WHERE n.id_space = $space AND n.n IN [0, $n]
RETURN DISTINCT n.source_set_key AS key
