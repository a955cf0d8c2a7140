// name:     usage_made
// reads:    the calls that made objects of a class, or made them once more, with the seconds that they took
MATCH (n:{{label}})-[:WAS_GENERATED_BY]->(a:Activity)
RETURN n.object_id AS id, a.activity_id AS activity, a.started AS at, a.seconds AS seconds
UNION
MATCH (n:{{label}})<-[u:USED]-(a:Activity)
WHERE u.role = 'self' AND a.method = 'make' AND a.status = 'done'
RETURN n.object_id AS id, a.activity_id AS activity, a.started AS at, a.seconds AS seconds
