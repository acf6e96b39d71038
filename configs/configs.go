// Package configs holds what operations copy: example configurations, units,
// rules and dashboards. Of these the program itself embeds the commented
// configuration, which is also the source of the configuration reference.
package configs

import _ "embed"

//go:embed ringpace.yaml
var commented string

//go:embed minimal.yaml
var minimal string

// Commented returns ringpace.yaml: every key with its comment.
func Commented() string { return commented }

// Minimal returns minimal.yaml: the least that dials.
func Minimal() string { return minimal }
