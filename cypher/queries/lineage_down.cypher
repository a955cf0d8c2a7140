// name:     lineage_down
// reads:    ids of what comes from these entities, one to ten entity hops down, level by level as lineage_up
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d1 }
WITH d1[..$limit] AS l1, size(d1) AS c1
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d2 }
WITH l1, c1, d2[..$limit] AS l2, size(d2) AS c2
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d3 }
WITH l1, c1, l2, c2, d3[..$limit] AS l3, size(d3) AS c3
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d4 }
WITH l1, c1, l2, c2, l3, c3, d4[..$limit] AS l4, size(d4) AS c4
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d5 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, d5[..$limit] AS l5, size(d5) AS c5
CALL { WITH l5 UNWIND CASE WHEN $depth >= 6 THEN l5 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d6 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, d6[..$limit] AS l6, size(d6) AS c6
CALL { WITH l6 UNWIND CASE WHEN $depth >= 7 THEN l6 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d7 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, d7[..$limit] AS l7, size(d7) AS c7
CALL { WITH l7 UNWIND CASE WHEN $depth >= 8 THEN l7 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d8 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, d8[..$limit] AS l8, size(d8) AS c8
CALL { WITH l8 UNWIND CASE WHEN $depth >= 9 THEN l8 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d9 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, l8, c8, d9[..$limit] AS l9, size(d9) AS c9
CALL { WITH l9 UNWIND CASE WHEN $depth >= 10 THEN l9 ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y.object_id, x.object_id) AS next ORDER BY next
  RETURN collect(next) AS d10 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, l5, c5, l6, c6, l7, c7, l8, c8, l9, c9, d10[..$limit] AS l10, size(d10) AS c10
RETURN l1 AS l1, c1 AS c1, l2 AS l2, c2 AS c2, l3 AS l3, c3 AS c3, l4 AS l4, c4 AS c4, l5 AS l5, c5 AS c5,
  l6 AS l6, c6 AS c6, l7 AS l7, c7 AS c7, l8 AS l8, c8 AS c8, l9 AS l9, c9 AS c9, l10 AS l10, c10 AS c10
