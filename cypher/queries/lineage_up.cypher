// name:     lineage_up
// reads:    ids of what these entities come from, one to five entity hops up: the ids of each level, and how many there were before the cut
// why:      a hop is one derivation, or a generation with a usage, or what was used by the calls that made the stored columns of
//           a collection, which no variable-length pattern can count; every level is collected once and cut at $limit, so
//           the work stays bounded however many paths there are, in one statement for five levels (more would take
//           the served engine seconds to plan, the first time); the target of a
//           processing is the request it was for and lies downstream, so no hop leads there; levels are nodes, because to find one
//           by its id again would double the time
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d1 }
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT y AS next ORDER BY next.object_id
  RETURN collect(next) AS s1 }
WITH (d1 + s1)[..$limit] AS l1, size(d1) + size(s1) AS c1
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS n
  MATCH (n)-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d2 }
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS n
  WITH n WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT y AS next ORDER BY next.object_id
  RETURN collect(next) AS s2 }
WITH l1, c1, (d2 + s2)[..$limit] AS l2, size(d2) + size(s2) AS c2
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS n
  MATCH (n)-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d3 }
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS n
  WITH n WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT y AS next ORDER BY next.object_id
  RETURN collect(next) AS s3 }
WITH l1, c1, l2, c2, (d3 + s3)[..$limit] AS l3, size(d3) + size(s3) AS c3
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS n
  MATCH (n)-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d4 }
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS n
  WITH n WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT y AS next ORDER BY next.object_id
  RETURN collect(next) AS s4 }
WITH l1, c1, l2, c2, l3, c3, (d4 + s4)[..$limit] AS l4, size(d4) + size(s4) AS c4
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS n
  MATCH (n)-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d5 }
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS n
  WITH n WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[r:USED|HAD_PLAN]->(y:Entity) WHERE coalesce(r.role, '') <> 'target'
  WITH DISTINCT y AS next ORDER BY next.object_id
  RETURN collect(next) AS s5 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, (d5 + s5)[..$limit] AS l5, size(d5) + size(s5) AS c5
RETURN [n IN l1 | n.object_id] AS l1, c1 AS c1, [n IN l2 | n.object_id] AS l2, c2 AS c2, [n IN l3 | n.object_id] AS l3, c3 AS c3,
  [n IN l4 | n.object_id] AS l4, c4 AS c4, [n IN l5 | n.object_id] AS l5, c5 AS c5
