// name:     calls_of
// reads:    the calls that made an object, and those of its methods, with the calls they were made in
MATCH (n:Entity {object_id: $id})-[:WAS_GENERATED_BY]->(a:Activity)
OPTIONAL MATCH (a)-[:WAS_INFORMED_BY]->(b:Activity)
RETURN properties(a) AS activity, b.activity_id AS parent
UNION
MATCH (n:Entity {object_id: $id})<-[u:USED]-(a:Activity)
WHERE u.role = 'self'
OPTIONAL MATCH (a)-[:WAS_INFORMED_BY]->(b:Activity)
RETURN properties(a) AS activity, b.activity_id AS parent
