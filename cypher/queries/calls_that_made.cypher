// name:     calls_that_made
// reads:    the calls that made these entities, and how long they took
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[:WAS_GENERATED_BY]->(a:Activity)
RETURN DISTINCT a.activity_id AS call, a.seconds AS seconds, a.started AS started, a.ended AS ended
