// name:     models_used
// reads:    the digests of the models that calculators are
MATCH (n:AttributeCalculatorDefinition)
WHERE n.kind = 'model'
RETURN DISTINCT n.model AS model
