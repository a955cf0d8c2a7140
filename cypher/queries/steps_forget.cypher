// name: steps_forget
// writes: a whole plan is removed
MATCH (step:Step {plan: $plan})
DETACH DELETE step
