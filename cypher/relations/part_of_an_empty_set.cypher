// name:   part_of_an_empty_set
// rule:   Z2
// writes: what is part of an empty set is empty; so is the union of empty sets
MATCH (a:Set {plan: $plan, empty: false})
WHERE EXISTS { MATCH (a)-[:SUBSET_OF]->(:Set {empty: true}) }
   OR a.kind = 'union' AND NOT EXISTS { MATCH (a)-[:PART]->(:Set {empty: false}) }
SET a.empty = true
RETURN count(a) AS new
