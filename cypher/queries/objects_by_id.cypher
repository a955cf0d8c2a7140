// name:     objects_by_id
// reads:    records with what they are derived from directly: role, place and id of each
// columns:  properties, links
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
RETURN properties(n) AS properties, [(n)-[r:WAS_DERIVED_FROM]->(m:Entity) | [r.role, r.index, m.object_id]] AS links
