// name:     links_to
// reads:    what is derived from these objects directly and is not deleted, by role and place
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[r:WAS_DERIVED_FROM]-(m:Entity)
WHERE m.deleted IS NULL
RETURN id AS target, r.role AS role, r.index AS place, m.object_id AS source
ORDER BY source, role, place
