// name:     property_types
// engine:   embedded
// reads:    the types of properties: name, labelsOrTypes, properties, propertyType
SHOW CONSTRAINTS
