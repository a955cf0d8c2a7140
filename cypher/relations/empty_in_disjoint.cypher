// name:   empty_in_disjoint
// rule:   Z1
// writes: what is part of two sets that share no source has none
MATCH (a:Set {plan: $plan, empty: false})-[:SUBSET_OF]->(:Set)-[:DISJOINT_FROM]->(:Set)<-[:SUBSET_OF]-(a)
WITH DISTINCT a
SET a.empty = true
RETURN count(a) AS new
