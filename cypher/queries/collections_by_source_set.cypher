// name:     collections_by_source_set
// reads:    Source Collections that represent exactly these sources
UNWIND $keys AS key
MATCH (n:Entity {source_set: key})
WHERE n:SourceCollection
RETURN properties(n) AS properties
ORDER BY n.created
