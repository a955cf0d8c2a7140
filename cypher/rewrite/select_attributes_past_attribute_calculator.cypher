// name:      select_attributes_past_attribute_calculator
// operators: SelectAttributes(AttributeCalculator)
// asks:      results_unread
// replaces:  a SelectAttributes of some results of an AttributeCalculator, by an AttributeCalculator of only these
// needs:     that nothing else depends on the calculator: two calculations of parts cost more than one
// keeps:     sources, attributes, values
// paper:     Section 7.3
UNWIND $results_unread AS one
MATCH (select:Step {plan: $plan, id: one.step})-[:PARENT]->(calculator:Step {operator: 'AttributeCalculator'})-[:PARENT]->(origin:Step)
WHERE size(select.names) > 0
  AND NOT EXISTS { MATCH (calculator)<-[]-(other:Step) WHERE other.id <> select.id }
CREATE (fewer:Step {
    plan: $plan, round: $round, id: select.id + $round, operator: 'AttributeCalculator', names: select.names, origins: select.origins,
    definition: calculator.definition, inputs: calculator.inputs, parameters: calculator.parameters, whole_catalog: calculator.whole_catalog
})
CREATE (fewer)-[:PARENT {index: 0}]->(origin)
RETURN select.id AS replaced, fewer.id AS replacement
