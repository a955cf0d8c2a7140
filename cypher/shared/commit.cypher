// name:     commit
// writes:   the token of another process's transaction, in that transaction: where it stands, the transaction does
MERGE (c:SharedCommit {client: $client})
SET c.token = $token, c.at = $at
