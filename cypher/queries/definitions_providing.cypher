// name:     definitions_providing
// reads:    Attribute Calculator Definitions that provide attributes of these names
UNWIND $names AS name
MATCH (:AttributeName {name: name})<-[:PROVIDES]-(n:Entity)
RETURN name AS name, properties(n) AS properties
