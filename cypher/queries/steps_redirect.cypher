// name: steps_redirect
// writes: dependents of replaced steps depend on the replacements, in the same place; steps that nothing needs any more go
UNWIND $pairs AS pair
MATCH (replaced:Step {plan: $plan, id: pair.replaced})
MATCH (replacement:Step {plan: $plan, id: pair.replacement})
OPTIONAL MATCH (replaced)<-[old]-(dependent:Step)
FOREACH (_ IN CASE WHEN type(old) = 'PARENT' THEN [1] ELSE [] END | CREATE (dependent)-[:PARENT {index: old.index}]->(replacement))
FOREACH (_ IN CASE WHEN type(old) = 'SOURCES' THEN [1] ELSE [] END | CREATE (dependent)-[:SOURCES]->(replacement))
FOREACH (_ IN CASE WHEN type(old) = 'EXCEPT' THEN [1] ELSE [] END | CREATE (dependent)-[:EXCEPT]->(replacement))
DELETE old
WITH count(pair) AS redirected
UNWIND $dropped AS id
MATCH (unneeded:Step {plan: $plan, id: id})
DETACH DELETE unneeded
