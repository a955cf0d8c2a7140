// name:     cone_notes
// reads:    dated statements about what an object is derived from, oldest first; one object a statement
MATCH (n:Entity {object_id: $id})-[:WAS_DERIVED_FROM*1..{{depth}}]->(m:Entity)
WITH DISTINCT m
MATCH (m)<-[:ABOUT]-(t:Note)
RETURN m.object_id AS about, t.kind AS kind, t.value AS value, t.reason AS reason, t.recorded AS recorded
ORDER BY recorded
