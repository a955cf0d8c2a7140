// name:     walk_up
// reads:    the edges from these entities, activities and agents to their causes; from a collection also to the segments that hold
//           columns which it does not have from what it is derived from
// columns:  source, relation, target, properties
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY|WAS_ATTRIBUTED_TO]->(m)
RETURN id AS source, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.agent_id) AS target, properties(r) AS properties
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})-[r:USED|HAD_PLAN|WAS_INFORMED_BY|WAS_ASSOCIATED_WITH]->(m)
RETURN id AS source, type(r) AS relation, coalesce(m.object_id, m.activity_id, m.agent_id) AS target, properties(r) AS properties
UNION ALL
UNWIND $agents AS id
MATCH (n:Agent {agent_id: id})-[r:ACTED_ON_BEHALF_OF]->(m:Agent)
RETURN id AS source, type(r) AS relation, m.agent_id AS target, properties(r) AS properties
UNION ALL
UNWIND $entities AS id
MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
UNWIND n.origins AS origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WHERE NOT EXISTS { MATCH (n)-[:WAS_DERIVED_FROM]->(p:Entity) WHERE origin IN p.origins }
WITH id, s.object_id AS target, count(*) AS columns
RETURN id AS source, 'WAS_INFLUENCED_BY' AS relation, target AS target, {columns: columns} AS properties
