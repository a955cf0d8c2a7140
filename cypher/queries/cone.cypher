// name:     cone
// reads:    ids of everything these objects are derived from
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM*1..{{depth}}]->(m:Entity)
RETURN DISTINCT m.object_id AS object_id
