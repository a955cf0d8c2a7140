// name: sets_related
// reads: how sets relate, with the rule that said so
MATCH (a:Set {plan: $plan})-[edge:{{relations}}]->(b:Set)
WHERE a.id <> b.id
RETURN a.id AS a, type(edge) AS relation, b.id AS b, edge.rule AS rule
