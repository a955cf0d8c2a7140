// name:     lineage_entities
// reads:    these entities, their names, their edges towards causes; the calls that used those of $down
// columns:  what, source, target, labels, properties
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
RETURN 'ENTITY' AS what, id AS source, '' AS target, labels(n) AS labels, properties(n) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})<-[:ABOUT]-(t:Note)
WHERE t.kind = 'name'
RETURN 'NAME' AS what, id AS source, t.recorded AS target, [] AS labels, properties(t) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY|WAS_ATTRIBUTED_TO]->(m)
RETURN type(r) AS what, id AS source, coalesce(m.object_id, m.activity_id, m.agent_id) AS target, [] AS labels,
  properties(r) AS properties
UNION ALL
UNWIND $down AS id
MATCH (n:Entity {object_id: id})<-[:USED|HAD_PLAN]-(a:Activity)
RETURN DISTINCT 'USER' AS what, id AS source, a.activity_id AS target, [] AS labels, {} AS properties
