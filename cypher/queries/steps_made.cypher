// name: steps_made
// reads: the steps that some rounds made, with what they depend on; round '' is what was laid out
MATCH (step:Step {plan: $plan})
WHERE step.round IN $rounds
OPTIONAL MATCH (step)-[edge]->(dependency:Step)
WITH step, collect({relation: type(edge), index: edge.index, id: dependency.id}) AS dependencies
RETURN properties(step) AS properties, dependencies
