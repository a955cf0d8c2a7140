// name:     links_of
// reads:    the dependencies of these objects, by role and place
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[r:WAS_DERIVED_FROM]->(m:Entity)
RETURN id AS source, r.role AS role, r.index AS place, m.object_id AS target
ORDER BY source, role, place
