// name:     lineage_activities
// reads:    these calls and the calls they were made in, what all of them used, had as plan and were associated with;
//           these agents and those of the calls, and on whose behalf they acted
// columns:  what, source, target, labels, properties
UNWIND $ids AS id
MATCH (a:Activity {activity_id: id})-[:WAS_INFORMED_BY*0..{{calls}}]->(b:Activity)
WITH DISTINCT b
RETURN 'ACTIVITY' AS what, b.activity_id AS source, '' AS target, labels(b) AS labels, properties(b) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (a:Activity {activity_id: id})-[:WAS_INFORMED_BY*0..{{calls}}]->(b:Activity)
WITH DISTINCT b
MATCH (b)-[r:USED|HAD_PLAN|WAS_ASSOCIATED_WITH|WAS_INFORMED_BY]->(m)
RETURN type(r) AS what, b.activity_id AS source, coalesce(m.object_id, m.activity_id, m.agent_id) AS target,
  [] AS labels, properties(r) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (a:Activity {activity_id: id})-[:WAS_INFORMED_BY*0..{{calls}}]->(b:Activity)
WITH DISTINCT b
MATCH (b)-[:WAS_ASSOCIATED_WITH]->(g:Agent)
WITH DISTINCT g
MATCH (g)-[:ACTED_ON_BEHALF_OF*0..{{calls}}]->(h:Agent)
RETURN DISTINCT 'AGENT' AS what, h.agent_id AS source, '' AS target, labels(h) AS labels, properties(h) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (a:Activity {activity_id: id})-[:WAS_INFORMED_BY*0..{{calls}}]->(b:Activity)
WITH DISTINCT b
MATCH (b)-[:WAS_ASSOCIATED_WITH]->(g:Agent)
WITH DISTINCT g
MATCH (g)-[:ACTED_ON_BEHALF_OF*0..{{calls}}]->(h:Agent)-[r:ACTED_ON_BEHALF_OF]->(o:Agent)
RETURN DISTINCT type(r) AS what, h.agent_id AS source, o.agent_id AS target, [] AS labels, properties(r) AS properties
UNION ALL
UNWIND $agents AS id
MATCH (g:Agent {agent_id: id})-[:ACTED_ON_BEHALF_OF*0..{{calls}}]->(h:Agent)
RETURN DISTINCT 'AGENT' AS what, h.agent_id AS source, '' AS target, labels(h) AS labels, properties(h) AS properties
UNION ALL
UNWIND $agents AS id
MATCH (g:Agent {agent_id: id})-[:ACTED_ON_BEHALF_OF*0..{{calls}}]->(h:Agent)-[r:ACTED_ON_BEHALF_OF]->(o:Agent)
RETURN DISTINCT type(r) AS what, h.agent_id AS source, o.agent_id AS target, [] AS labels, properties(r) AS properties
