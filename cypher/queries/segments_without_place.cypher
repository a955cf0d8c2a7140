// name:     segments_without_place
// reads:    stored segments of whose sources the index does not say what they are part of, where it knows the set
MATCH (n:Segment)
WHERE n.within IS NULL AND n.source_set_key <> ''
MATCH (s:SourceSet {source_set: n.source_set_key})
RETURN n.object_id AS id, s.atoms AS atoms
ORDER BY id
LIMIT $limit
