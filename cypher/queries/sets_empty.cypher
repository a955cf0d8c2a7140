// name: sets_empty
// reads: sets that were found to have no source
MATCH (a:Set {plan: $plan, empty: true})
RETURN a.id AS a
