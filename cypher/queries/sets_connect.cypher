// name: sets_connect
// writes: what sets are made of, and what is known of two of them
UNWIND $edges AS edge
MATCH (a:Set {plan: $plan, id: edge.a})
MATCH (b:Set {plan: $plan, id: edge.b})
CREATE (a)-[:{{relation}} {rule: edge.rule, round: 0}]->(b)
RETURN count(b) AS created
