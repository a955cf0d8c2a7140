// name:     made_with
// reads:    the calls that made these objects, and the version of the code that ran
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[:WAS_GENERATED_BY]->(a:Activity)-[:HAD_PLAN]->(c:Entity)
RETURN id AS made, a.activity_id AS activity, a.seconds AS seconds, a.started AS started, c.name AS name, c.digest AS digest,
  c.object_id AS code
ORDER BY started
