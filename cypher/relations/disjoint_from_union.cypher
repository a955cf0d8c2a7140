// name:   disjoint_from_union
// rule:   D3
// writes: what shares no source with any of some sets shares none with their union
MATCH (n:Set {plan: $plan, kind: 'union'})-[:PART]->(live:Set {empty: false})
WITH n, count(DISTINCT live) AS parts
MATCH (n)-[:PART]->(p:Set {empty: false})-[:DISJOINT_FROM]->(x:Set)
WITH n, parts, x, count(DISTINCT p) AS apart
WHERE apart = parts AND NOT EXISTS { MATCH (n)-[:DISJOINT_FROM]->(x) }
MERGE (n)-[to:DISJOINT_FROM]->(x) ON CREATE SET to.rule = 'D3'
MERGE (x)-[back:DISJOINT_FROM]->(n) ON CREATE SET back.rule = 'D3'
RETURN count(x) AS new
