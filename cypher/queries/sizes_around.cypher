// name:     sizes_around
// reads:    what these objects are derived from, their own file too, in bytes: of a file, and of the file of what has one
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[r:WAS_DERIVED_FROM]->(m:Entity)
OPTIONAL MATCH (m)-[f:WAS_DERIVED_FROM {role: 'file'}]->(s:Entity)
RETURN id AS id, r.role AS role, m.object_id AS input, m.size AS own, s.size AS size
