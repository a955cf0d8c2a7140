// name:     sources_counted
// reads:    how many sources these sets have, where their values are stored
UNWIND $keys AS key
MATCH (s:Entity {source_set: key})
WHERE s:Segment
RETURN key AS key, max(s.n) AS n
