// name:     versions_of
// reads:    all versions of these things, newest first
UNWIND $identities AS identity
MATCH (n:Entity {identity: identity})
RETURN properties(n) AS properties
ORDER BY n.version DESC, n.repeat DESC
