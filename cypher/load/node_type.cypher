// name:     node_type
// engine:   embedded
// writes:   nothing that stays, but the engine then knows the combination of labels, which its bulk loader asks for
CREATE (n:{{labels}})
DELETE n
