// name:      remove_attribute_calculator_without_attributes
// operators: SelectAttributes(AttributeCalculator)
// asks:      results_unread
// replaces:  a SelectAttributes of no result of an AttributeCalculator, by one of no attribute of the calculator's parent
// needs:     these two steps; origin is only what the replacement hangs from
// keeps:     sources, attributes, values
// paper:     Section 7.3, Fig. 4
UNWIND $results_unread AS one
MATCH (select:Step {plan: $plan, id: one.step})-[:PARENT]->(:Step {operator: 'AttributeCalculator'})-[:PARENT]->(origin:Step)
WHERE size(select.names) = 0
CREATE (empty:Step {plan: $plan, round: $round, id: select.id + $round, operator: 'SelectAttributes', names: [], origins: []})
CREATE (empty)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, empty.id AS replacement
