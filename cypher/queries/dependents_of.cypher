// name:     dependents_of
// reads:    what is derived from these objects directly, and is not deleted
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM]-(m:Entity)
WHERE m.deleted IS NULL
RETURN DISTINCT id AS source, m.object_id AS object_id, m.class_name AS class_name
ORDER BY object_id
