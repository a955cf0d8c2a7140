// name:     impact_facts
// reads:    of these entities: how large the file of each is, under which identifiers it was published, what was said about its validity
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM {role: 'file'}]->(f:Entity) WHERE f:StoredFile
RETURN id AS id, 'size' AS what, f.size AS size, '' AS value, '' AS recorded
UNION ALL
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[:ABOUT]-(t:Note)
WHERE t.kind = 'identifier' OR t.kind = 'validity'
RETURN id AS id, t.kind AS what, 0 AS size, t.value AS value, t.recorded AS recorded
