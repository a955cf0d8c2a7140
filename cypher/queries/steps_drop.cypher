// name: steps_drop
// writes: steps that nothing depends on any more are removed
UNWIND $ids AS id
MATCH (step:Step {plan: $plan, id: id})
DETACH DELETE step
