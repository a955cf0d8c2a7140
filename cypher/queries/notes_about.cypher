// name:     notes_about
// reads:    dated statements about these objects, oldest first
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[:ABOUT]-(t:Note)
RETURN id AS about, t.kind AS kind, t.value AS value, t.reason AS reason, t.recorded AS recorded, t.valid_from AS valid_from
ORDER BY recorded
