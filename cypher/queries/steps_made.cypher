// name: steps_made
// reads: the steps that some rounds made; round '' is what was laid out
MATCH (step:Step {plan: $plan})
WHERE step.round IN $rounds
RETURN properties(step) AS properties
ORDER BY step.id
