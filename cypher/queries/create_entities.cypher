// name:     create_entities
// writes:   one node for each row, with the labels of its class and all classes inherited, attributed to an agent
MATCH (agent:Agent {agent_id: $agent})
UNWIND $rows AS row
CREATE (n:{{labels}} {object_id: row.object_id})-[:WAS_ATTRIBUTED_TO]->(agent)
SET n += row.properties
RETURN count(n) AS written
