// name:     notes_recorded
// reads:    dated statements about these objects, and who made them, oldest first
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[:ABOUT]-(t:Note)
OPTIONAL MATCH (t)-[:WAS_ATTRIBUTED_TO]->(a:Agent)
RETURN id AS about, properties(t) AS properties, a.agent_id AS agent
ORDER BY t.recorded, t.note_id
