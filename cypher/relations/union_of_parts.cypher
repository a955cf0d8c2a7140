// name:   union_of_parts
// rule:   R5 and R5b (U5)
// writes: a union is part of what all of its parts are part of; those that are known to be empty add nothing
MATCH (n:Set {plan: $plan, kind: 'union'})-[:PART]->(live:Set {empty: false})
WITH n, count(DISTINCT live) AS parts
MATCH (n)-[:PART]->(p:Set {empty: false})-[:SUBSET_OF]->(x:Set)
WITH n, parts, x, count(DISTINCT p) AS within
WHERE within = parts AND NOT EXISTS { MATCH (n)-[:SUBSET_OF]->(x) }
CREATE (n)-[:SUBSET_OF {rule: 'U5', round: $round}]->(x)
RETURN count(x) AS new
