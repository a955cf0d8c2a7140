// name:     lineage_entities
// reads:    these entities, their names, their edges towards causes; the segments that hold the stored columns of those of
//           $up, with the calls that made them; the calls that used those of $down
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
UNWIND $up AS id
MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
RETURN 'HOLDS' AS what, s.object_id AS source, origin AS target, [] AS labels, {} AS properties
UNION ALL
UNWIND $up AS id
MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WITH DISTINCT s
RETURN 'SEGMENT' AS what, s.object_id AS source, '' AS target, labels(s) AS labels, properties(s) AS properties
UNION ALL
UNWIND $up AS id
MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WITH DISTINCT s
MATCH (s)-[r:WAS_GENERATED_BY|WAS_ATTRIBUTED_TO|WAS_DERIVED_FROM]->(m)
RETURN type(r) AS what, s.object_id AS source, coalesce(m.object_id, m.activity_id, m.agent_id) AS target,
  [] AS labels, properties(r) AS properties
UNION ALL
UNWIND $down AS id
MATCH (n:Entity {object_id: id})<-[:USED|HAD_PLAN]-(a:Activity)
RETURN DISTINCT 'USER' AS what, id AS source, a.activity_id AS target, [] AS labels, {} AS properties
