// name:     compared_causes
// reads:    what these entities and activities come from and by: relation, id, role and place of each, and the digest of a file;
//           from a collection also the segments that hold columns which it does not have from what it is derived from
UNWIND $entities AS id
MATCH (n:Entity {object_id: id})
RETURN id AS source, [(n)-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(m) |
  [type(r), coalesce(m.object_id, m.activity_id), r.role, r.index, CASE WHEN r.role = 'file' THEN m.digest END]] AS causes
UNION ALL
UNWIND $activities AS id
MATCH (n:Activity {activity_id: id})
RETURN id AS source, [(n)-[r:USED|HAD_PLAN]->(m:Entity) | [type(r), m.object_id, r.role, r.index, null]] AS causes
UNION ALL
UNWIND $collections AS id
MATCH (n:Entity {object_id: id})
UNWIND n.origins AS origin
MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
WHERE NOT EXISTS { MATCH (n)-[:WAS_DERIVED_FROM]->(p:Entity) WHERE origin IN p.origins }
WITH id, collect(DISTINCT s.object_id) AS targets
RETURN id AS source, [t IN targets | ['WAS_INFLUENCED_BY', t, '', 0, null]] AS causes
