// name:   one_part_is_the_whole
// rule:   R2 (E2)
// writes: the union, and the intersection, of one set is that set
MATCH (n:Set {plan: $plan, arity: 1})-[:PART]->(p:Set)
WHERE n.kind = 'union' AND NOT EXISTS { MATCH (n)-[:SUBSET_OF]->(p) } OR n.kind = 'intersection' AND NOT EXISTS { MATCH (p)-[:SUBSET_OF]->(n) }
WITH n, p, CASE n.kind WHEN 'union' THEN n ELSE p END AS small, CASE n.kind WHEN 'union' THEN p ELSE n END AS large
CREATE (small)-[:SUBSET_OF {rule: 'E2', round: $round}]->(large)
RETURN count(p) AS new
