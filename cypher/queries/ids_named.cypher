// name:     ids_named
// reads:    ids of what carries, or carried, one of these names
UNWIND $names AS name
MATCH (t:Note {value: name})
WHERE t.kind = 'name'
MATCH (t)-[:ABOUT]->(n:Entity)
RETURN DISTINCT n.object_id AS id
