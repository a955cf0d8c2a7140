// name:     runs_of_code
// reads:    the last calls that each version of this code ran to the end, how long they took, and the object they were called on with when it was stored
MATCH (c:CodeVersion)
WHERE c.name IN $names
CALL { WITH c MATCH (c)<-[:HAD_PLAN]-(a:Activity) WHERE a.status = 'done' RETURN a ORDER BY a.started DESC LIMIT $last }
MATCH (a)-[u:USED]->(n:Entity)
WHERE u.role = 'self'
RETURN a.class_name AS class_name, a.seconds AS seconds, a.started AS started, n.object_id AS made, n.created AS stored
