// name:     cone
// reads:    ids of everything an object is derived from; one object a statement, a list of them is not pruned when embedded
MATCH (n:Entity {object_id: $id})-[:WAS_DERIVED_FROM*1..{{depth}}]->(m:Entity)
RETURN DISTINCT m.object_id AS object_id
