// name:     causes
// reads:    what things of imported documents come from, one step up, with the statements that say so
UNWIND $ids AS id
MATCH (t:Thing {thing_id: id})-[r]->(u:Thing)
RETURN DISTINCT r.statement AS statement, u.thing_id AS thing
