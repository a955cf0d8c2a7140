// name:     lineage_entities
// reads:    these entities, each with its edges towards causes and its names; the calls that used those of $down
// columns:  source, labels, properties, edges, names, users
UNWIND $ids AS id
MATCH (n:Entity {object_id: id})
RETURN id AS source, labels(n) AS labels, properties(n) AS properties,
  [(n)-[r:WAS_DERIVED_FROM|WAS_GENERATED_BY|WAS_ATTRIBUTED_TO]->(m) |
    [type(r), coalesce(m.object_id, m.activity_id, m.agent_id), properties(r)]] AS edges,
  [(n)<-[:ABOUT]-(t:Note) WHERE t.kind = 'name' | [t.recorded, t.value]] AS names,
  [] AS users
UNION ALL
UNWIND $down AS id
MATCH (n:Entity {object_id: id})<-[:USED|HAD_PLAN]-(a:Activity)
RETURN id AS source, [] AS labels, {} AS properties, [] AS edges, [] AS names, collect(DISTINCT a.activity_id) AS users
