// name:     cone_revised
// reads:    ids of the next versions of what an object is derived from; one object a statement
MATCH (n:Entity {object_id: $id})-[:WAS_DERIVED_FROM*1..{{depth}}]->(m:Entity)
WITH DISTINCT m
MATCH (m)<-[r:WAS_DERIVED_FROM {role: 'revision'}]-(v:Entity)
RETURN DISTINCT m.identity AS identity
