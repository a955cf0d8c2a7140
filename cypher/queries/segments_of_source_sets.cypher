// name:     segments_of_source_sets
// reads:    stored segments whose sources are exactly one of these sets
UNWIND $keys AS key
MATCH (n:Entity {source_set: key})
WHERE n:Segment
RETURN properties(n) AS properties
