// name:     attribute_names
// reads:    every attribute name that a collection introduces or a calculator provides
MATCH (n:AttributeName)
RETURN n.name AS name
ORDER BY name
LIMIT 10000
