// name:     size
// reads:    the number of stored objects
MATCH (n:Entity)
RETURN count(n) AS n
