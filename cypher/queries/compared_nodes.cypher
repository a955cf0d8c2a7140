// name:     compared_nodes
// reads:    these entities and activities
// columns:  what, id, labels, properties
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})
RETURN 'entity' AS what, id AS id, labels(n) AS labels, properties(n) AS properties
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})
RETURN 'activity' AS what, id AS id, labels(n) AS labels, properties(n) AS properties
