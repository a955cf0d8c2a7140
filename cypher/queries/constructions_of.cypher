// name:     constructions_of
// reads:    the calls that constructed these objects
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[u:USED]-(a:Activity)
WHERE u.role = 'self' AND a.method = '__init__'
RETURN DISTINCT a.activity_id AS activity
