// name:     agents_by_id
// reads:    the names of agents
UNWIND $ids AS id
MATCH (a:Agent {agent_id: id})
RETURN id AS id, a.name AS name
