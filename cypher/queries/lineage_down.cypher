// name:     lineage_down
// reads:    ids of what comes from these entities, one to five entity hops down, level by level as lineage_up
CALL { UNWIND CASE WHEN $depth >= 1 THEN $ids ELSE [] END AS id
  MATCH (n:Entity {object_id: id})<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d1 }
WITH d1[..$limit] AS l1, size(d1) AS c1
CALL { WITH l1 UNWIND CASE WHEN $depth >= 2 THEN l1 ELSE [] END AS n
  MATCH (n)<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d2 }
WITH l1, c1, d2[..$limit] AS l2, size(d2) AS c2
CALL { WITH l2 UNWIND CASE WHEN $depth >= 3 THEN l2 ELSE [] END AS n
  MATCH (n)<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d3 }
WITH l1, c1, l2, c2, d3[..$limit] AS l3, size(d3) AS c3
CALL { WITH l3 UNWIND CASE WHEN $depth >= 4 THEN l3 ELSE [] END AS n
  MATCH (n)<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d4 }
WITH l1, c1, l2, c2, l3, c3, d4[..$limit] AS l4, size(d4) AS c4
CALL { WITH l4 UNWIND CASE WHEN $depth >= 5 THEN l4 ELSE [] END AS n
  MATCH (n)<-[:WAS_DERIVED_FROM|USED|HAD_PLAN]-(x)
  OPTIONAL MATCH (x)<-[:WAS_GENERATED_BY]-(y:Entity)
  WITH DISTINCT coalesce(y, x) AS next ORDER BY next.object_id WHERE next:Entity
  RETURN collect(next) AS d5 }
WITH l1, c1, l2, c2, l3, c3, l4, c4, d5[..$limit] AS l5, size(d5) AS c5
RETURN [n IN l1 | n.object_id] AS l1, c1 AS c1, [n IN l2 | n.object_id] AS l2, c2 AS c2, [n IN l3 | n.object_id] AS l3, c3 AS c3,
  [n IN l4 | n.object_id] AS l4, c4 AS c4, [n IN l5 | n.object_id] AS l5, c5 AS c5
