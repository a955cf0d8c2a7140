// name: steps_dependencies
// reads: what the steps that some rounds made depend on
MATCH (step:Step {plan: $plan})-[edge]->(dependency:Step)
WHERE step.round IN $rounds
RETURN step.id AS step, type(edge) AS relation, edge.index AS index, dependency.id AS dependency
