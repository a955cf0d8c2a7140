// name:  steps_made_by
// reads: what a rule replaced by what, and the steps that it made, with what they depend on. A rule ends in what follows its first
//        two lines, which name what the RETURN of the rule gives; so that one round trip does both
UNWIND $pairs AS pair
WITH pair.replaced AS replaced, pair.replacement AS replacement
WITH collect({replaced: replaced, replacement: replacement}) AS pairs
OPTIONAL MATCH (step:Step {plan: $plan, round: $round})
OPTIONAL MATCH (step)-[edge]->(dependency:Step)
WITH pairs, step, collect({relation: type(edge), index: edge.index, id: dependency.id}) AS dependencies
RETURN pairs, properties(step) AS properties, dependencies
