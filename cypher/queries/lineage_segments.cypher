// name:     lineage_segments
// reads:    the segments that hold the stored columns of these collections, with the calls that made them
// columns:  what, source, target, labels, properties
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
RETURN 'HOLDS' AS what, s.object_id AS source, origin AS target, [] AS labels, {} AS properties
UNION ALL
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WITH DISTINCT s
RETURN 'SEGMENT' AS what, s.object_id AS source, '' AS target, labels(s) AS labels, properties(s) AS properties
UNION ALL
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
UNWIND n.origins AS origin
WITH DISTINCT origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WITH DISTINCT s
MATCH (s)-[r:WAS_GENERATED_BY|WAS_ATTRIBUTED_TO|WAS_DERIVED_FROM]->(m)
RETURN type(r) AS what, s.object_id AS source, coalesce(m.object_id, m.activity_id, m.agent_id) AS target,
  [] AS labels, properties(r) AS properties
