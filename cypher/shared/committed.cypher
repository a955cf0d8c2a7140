// name:     committed
// reads:    whether a transaction was committed before the process that did it died
MATCH (c:SharedCommit {client: $client})
WHERE c.token = $token
RETURN c.token AS token
