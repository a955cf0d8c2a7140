// name:      merge_equal_steps
// operators: any
// asks:      twins
// replaces:  a step, by another that is made in the same way from the same
// needs:     which steps are: equal operator, parameters, parents and selected sources, all the way up
// keeps:     sources, attributes, values
// paper:     Section 7.2, Fig. 3d
UNWIND $twins AS pair
MATCH (one:Step {plan: $plan, id: pair.replaced})
MATCH (other:Step {plan: $plan, id: pair.replacement})
RETURN one.id AS replaced, other.id AS replacement
