// name:     walk_nodes
// reads:    these entities, activities and agents, and what was said about the entities: names and validity
// columns:  what, id, labels, properties
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})
RETURN 'entity' AS what, id AS id, labels(n) AS labels, properties(n) AS properties
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})
RETURN 'activity' AS what, id AS id, labels(n) AS labels, properties(n) AS properties
UNION ALL
UNWIND $agents AS id
MATCH (n:Agent {agent_id: id})
RETURN 'agent' AS what, id AS id, labels(n) AS labels, properties(n) AS properties
UNION ALL
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})<-[:ABOUT]-(t:Note)
WHERE t.kind = 'name' OR t.kind = 'validity'
RETURN 'note' AS what, id AS id, [] AS labels, properties(t) AS properties
