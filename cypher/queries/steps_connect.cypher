// name: steps_connect
// writes: edges of steps to their parents in order, or to those whose sources they keep or leave out
UNWIND $rows AS row
MATCH (step:Step {plan: $plan, id: row.step})
MATCH (dependency:Step {plan: $plan, id: row.dependency})
CREATE (step)-[:{{relation}} {index: row.index}]->(dependency)
RETURN count(step) AS connected
