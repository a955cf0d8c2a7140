// name:     walk_down
// reads:    the edges from effects to these entities, activities and agents
// columns:  target, relation, source, properties
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})<-[r:WAS_DERIVED_FROM|USED|HAD_PLAN]-(m)
RETURN id AS target, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.agent_id) AS source, properties(r) AS properties
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})<-[r:WAS_GENERATED_BY|WAS_INFORMED_BY]-(m)
RETURN id AS target, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.agent_id) AS source, properties(r) AS properties
UNION ALL
UNWIND $agents AS id
MATCH (n:Agent {agent_id: id})<-[r:WAS_ATTRIBUTED_TO|WAS_ASSOCIATED_WITH|ACTED_ON_BEHALF_OF]-(m)
RETURN id AS target, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.agent_id) AS source, properties(r) AS properties
