// name:     entities_with_ucd
// reads:    catalogs, or calculator definitions, that have an attribute with this UCD
MATCH (n:{{label}})
WHERE $ucd IN n.ucds
RETURN properties(n) AS properties
