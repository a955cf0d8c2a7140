// name:     create_entities_with_links
// writes:   one node for each row, with the labels of its class, attributed to an agent, and its edges to what was there before
// returns:  how many edges were written
// note:     an edge whose source is at hand need not look for it: a third faster than edges in a statement of their own
MATCH (agent:Agent {agent_id: $agent})
UNWIND $rows AS row
CREATE (n:{{labels}} {object_id: row.object_id})-[:WAS_ATTRIBUTED_TO]->(agent)
SET n += row.properties
WITH n, row
UNWIND row.links AS link
MATCH (b:Entity {object_id: link.target})
CREATE (n)-[r:WAS_DERIVED_FROM {role: link.role, index: link.index}]->(b)
RETURN count(r) AS written
