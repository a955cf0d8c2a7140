// name:     forget_old
// writes:   tokens of processes that were killed long ago away
MATCH (c:SharedCommit)
WHERE c.at < $before
DELETE c
