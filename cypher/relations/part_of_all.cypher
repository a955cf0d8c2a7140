// name:   part_of_all
// rule:   R6 (U4)
// writes: what is part of each of some sets is part of their intersection
MATCH (a:Set {plan: $plan})-[:SUBSET_OF]->(p:Set)<-[:PART]-(n:Set {kind: 'intersection'})
WITH a, n, count(DISTINCT p) AS within
WHERE within = n.arity AND NOT EXISTS { MATCH (a)-[:SUBSET_OF]->(n) }
CREATE (a)-[:SUBSET_OF {rule: 'U4', round: $round}]->(n)
RETURN count(n) AS new
