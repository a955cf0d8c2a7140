// name:     bundles
// reads:    bundles of an imported document, in order
MATCH (b:ProvBundle {document: $document})
RETURN properties(b) AS properties
ORDER BY b.place
