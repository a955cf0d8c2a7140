// name: steps_redirect
// writes: dependents of replaced steps depend on the replacements, in the same place
UNWIND $pairs AS pair
MATCH (replaced:Step {plan: $plan, id: pair.replaced})<-[old:{{relation}}]-(dependent:Step)
MATCH (replacement:Step {plan: $plan, id: pair.replacement})
CREATE (dependent)-[new:{{relation}}]->(replacement)
SET new = properties(old)
DELETE old
