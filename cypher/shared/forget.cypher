// name:     forget
// writes:   the token of a process that ends away
MATCH (c:SharedCommit {client: $client})
DELETE c
