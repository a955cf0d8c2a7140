// name:     lineage_up
// reads:    ids of what these entities come from, one to ten entity hops up: the ids of each level, and how many there were before the cut
// why:      a hop is one derivation, or a generation with a usage, or what was used by the calls that made the stored columns of
//           a collection, which no variable-length pattern can count; every level is collected once and cut at $limit, so
//           the work stays bounded however many paths there are, in one statement for ten levels
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d1 }
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s1 }
WITH (d1 + s1)[..$limit] AS l1, size(d1) + size(s1) AS c1
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d2 }
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s2 }
WITH l1, c1, (d2 + s2)[..$limit] AS l2, size(d2) + size(s2) AS c2
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d3 }
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s3 }
WITH l1, c1, l2, c2, (d3 + s3)[..$limit] AS l3, size(d3) + size(s3) AS c3
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d4 }
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s4 }
WITH l1, c1, l2, c2, l3, c3, (d4 + s4)[..$limit] AS l4, size(d4) + size(s4) AS c4
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d5 }
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s5 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, (d5 + s5)[..$limit] AS l5, size(d5) + size(s5) AS c5
CALL { WITH l5 UNWIND CASE WHEN $depth >= 6 THEN l5 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d6 }
CALL { WITH l5 UNWIND CASE WHEN $depth >= 6 THEN l5 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s6 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, (d6 + s6)[..$limit] AS l6, size(d6) + size(s6) AS c6
CALL { WITH l6 UNWIND CASE WHEN $depth >= 7 THEN l6 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d7 }
CALL { WITH l6 UNWIND CASE WHEN $depth >= 7 THEN l6 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s7 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, (d7 + s7)[..$limit] AS l7, size(d7) + size(s7) AS c7
CALL { WITH l7 UNWIND CASE WHEN $depth >= 8 THEN l7 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d8 }
CALL { WITH l7 UNWIND CASE WHEN $depth >= 8 THEN l7 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s8 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, (d8 + s8)[..$limit] AS l8, size(d8) + size(s8) AS c8
CALL { WITH l8 UNWIND CASE WHEN $depth >= 9 THEN l8 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d9 }
CALL { WITH l8 UNWIND CASE WHEN $depth >= 9 THEN l8 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s9 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, l8, c8, (d9 + s9)[..$limit] AS l9,
  size(d9) + size(s9) AS c9
CALL { WITH l9 UNWIND CASE WHEN $depth >= 10 THEN l9 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})-[:WAS_DERIVED_FROM|WAS_GENERATED_BY]->(x)
  OPTIONAL MATCH (x)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d10 }
CALL { WITH l9 UNWIND CASE WHEN $depth >= 10 THEN l9 ELSE [] END AS id
  MATCH (n:Entity {object_id: id}) WHERE n:SourceCollection
  UNWIND n.origins AS origin
  WITH DISTINCT origin
  MATCH (c:Column {origin_key: origin})<-[:HOLDS]-(s:Entity)
  MATCH (s)-[:WAS_GENERATED_BY]->(a)-[:USED|HAD_PLAN]->(y:Entity)
  WITH DISTINCT y.object_id AS next ORDER BY next
  RETURN collect(next) AS s10 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, l8, c8, l9, c9, (d10 + s10)[..$limit] AS l10,
  size(d10) + size(s10) AS c10
RETURN l1 AS l1, c1 AS c1, l2 AS l2, c2 AS c2, l3 AS l3, c3 AS c3, l4 AS l4, c4 AS c4, l5 AS l5, c5 AS c5,
  l6 AS l6, c6 AS c6, l7 AS l7, c7 AS c7, l8 AS l8, c8 AS c8, l9 AS l9, c9 AS c9, l10 AS l10, c10 AS c10
