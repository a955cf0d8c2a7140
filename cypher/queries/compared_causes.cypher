// name:     compared_causes
// reads:    what these entities and activities come from and by, with the role of each, and the digest of a file; from a collection also the segments that hold
//           columns which it does not have from what it is derived from
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(m)
RETURN id AS source, type(r) AS relation, coalesce(m.object_id, m.activity_id) AS target, r.role AS role, r.index AS place,
  CASE WHEN r.role = 'file' THEN m.digest END AS digest
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})-[r:USED|HAD_PLAN]->(m:Entity)
RETURN id AS source, type(r) AS relation, m.object_id AS target, r.role AS role, r.index AS place, null AS digest
UNION ALL
UNWIND $collections AS id
MATCH (n:Entity {object_id: id})
UNWIND n.origins AS origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WHERE NOT EXISTS { MATCH (n)-[:WAS_DERIVED_FROM]->(p:Entity) WHERE origin IN p.origins }
WITH DISTINCT id, s.object_id AS target
RETURN id AS source, 'WAS_INFLUENCED_BY' AS relation, target AS target, '' AS role, 0 AS place, null AS digest
