// name:     property_index
// engine:   every
// writes:   what makes searches by a property quick
CREATE INDEX {{index}} IF NOT EXISTS FOR (n:{{label}}) ON (n.{{key}})
